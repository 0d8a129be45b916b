"""The fonts of ../fonts but DejaVu Sans, cut down to what captchas show: printable ASCII and the signs of arithmetic.

Ran on Python 3.11, fontTools 4.68.0, with a folder that holds the unpacked npm packages @fontsource/{caveat,chewy,oswald,
roboto-slab,tinos} 5.3.0 and DroidSansMono.ttf from the Python package captcha 0.7.1:
    python make_fonts.py FOLDER

Outlines and metrics stay as they are; hinting, kerning and tables that nothing here reads are left out. None of the licences
reserves a font name.
"""

import pathlib
import shutil
import sys

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

source = pathlib.Path(sys.argv[1])
target = pathlib.Path(__file__).parent.parent / "fonts"

CODE_POINTS = [*range(0x20, 0x7F), 0xD7, 0xF7, 0x2212]
FONTS = {
    "Caveat-Bold": ("caveat", "caveat-latin-700-normal.woff"),
    "Chewy": ("chewy", "chewy-latin-400-normal.woff"),
    "Oswald": ("oswald", "oswald-latin-400-normal.woff"),
    "RobotoSlab-Bold": ("roboto-slab", "roboto-slab-latin-700-normal.woff"),
    "Tinos": ("tinos", "tinos-latin-400-normal.woff"),
}


def shrink(path: pathlib.Path, name: str) -> None:
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "DSIG", "STAT", "gasp", "FFTM", "meta", "MVAR", "kern"]
    options.glyph_names = False
    font = TTFont(path)
    font.flavor = None
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=CODE_POINTS)
    subsetter.subset(font)
    font.save(target / f"{name}.ttf")


for name, (package, file) in FONTS.items():
    shrink(source / package / "files" / file, name)
    shutil.copy(source / package / "LICENSE", target / f"{name}-LICENSE.txt")

# Its package names the licence but does not carry its text.
shrink(source / "DroidSansMono.ttf", "DroidSansMono")
notice = TTFont(source / "DroidSansMono.ttf")["name"].getDebugName(0)
apache = (source / "roboto-slab" / "LICENSE").read_text()
(target / "DroidSansMono-LICENSE.txt").write_text(f"Droid Sans Mono: {notice}\n\n{apache}")
