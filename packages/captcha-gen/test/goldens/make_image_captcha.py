"""What Python's ImageCaptcha draws and from which numbers, and how its pictures are distributed: image-captcha.json beside
this file.

Ran on Python 3.11, captcha 0.7.1, Pillow 11.3.0, numpy 2.4, fontTools 4.68:
    python make_image_captcha.py

Font: DroidSansMono.ttf of this package, which has no hints, so that both draw the same outlines; with an idle program, or
FreeType would make up hints of its own. `pictures` are whole captchas with
all that the library drew by chance (it takes that from `secrets`, which is listened to here); rows of RGB, deflated, base64.
`text` are figures of 4,000 pictures without specks and curve, `whole` of 4,000 with them: mean and deviation over pictures,
the symbols of their texts all equally likely. Pictures of which less than a twentieth is marked are left out: the library makes
text the fainter the darker it is, which once in thousands leaves a few pixels, and where these lie would decide a deviation.
"""

import base64
import json
import pathlib
import random
import secrets
import string
import sys
import tempfile
import types
import zlib

import numpy
import PIL
from captcha import image as library
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables.ttProgram import Program
from PIL import ImageFilter

here = pathlib.Path(__file__).parent
font = tempfile.NamedTemporaryFile(suffix=".ttf")
idle = TTFont(here.parent.parent / "fonts" / "DroidSansMono.ttf")
idle["fpgm"] = newTable("fpgm")
idle["fpgm"].program = Program()
idle["fpgm"].program.fromAssembly(["PUSHB[ ] 0", "POP[ ]"] * 8)
idle.save(font.name)
SYMBOLS = string.ascii_letters + string.digits
SIZES = (42, 50, 56)

log = []


def listened(name):
    def draw(*arguments):
        value = getattr(secrets, name)(*arguments)
        log.append(value)
        return value

    return draw


library.secrets = types.SimpleNamespace(**{name: listened(name) for name in ("randbelow", "randbits", "choice")})
generator = library.ImageCaptcha(fonts=[font.name], font_sizes=SIZES)


def figures(image):
    pixels = numpy.asarray(image).astype(int)
    codes, counts = numpy.unique(pixels @ [65536, 256, 1], return_counts=True)
    code = codes[counts.argmax()]
    background = numpy.array([code >> 16, code >> 8 & 255, code & 255])
    distance = numpy.abs(pixels - background).max(axis=2)
    marked = distance > 24
    columns = numpy.flatnonzero(marked.any(axis=0))
    rows = numpy.flatnonzero(marked.any(axis=1))
    return {
        "marked": float(marked.mean()),
        "distance": float(distance.mean()),
        "left": int(columns[0]) if len(columns) else 0,
        "right": int(columns[-1]) if len(columns) else 0,
        "top": int(rows[0]) if len(rows) else 0,
        "bottom": int(rows[-1]) if len(rows) else 0,
        "background": float(background.mean()),
        "darkest": float(pixels.min()),
    }


def summary(every_figure):
    all_figures = [figure for figure in every_figure if figure["marked"] >= 0.05]
    return {
        name: [float(numpy.mean([f[name] for f in all_figures])), float(numpy.std([f[name] for f in all_figures]))]
        for name in all_figures[0]
    }


def scene(chars, draws):
    """The numbers behind a picture, in the order in which `generate_image` draws them."""
    take = iter(draws)

    def below():
        return next(take)

    def unit():
        return next(take) / 2**32

    background = [below() + 238 for _ in range(3)]
    opacity = below() + 220
    color = [below() + 10 for _ in range(3)] + [opacity]
    characters, sizes = [], []

    def character(symbol):
        face = generator.truefonts.index(below())
        _, _, w, h = probe.multiline_textbbox((1, 1), symbol, font=generator.truefonts[face])
        dx, dy = below(), below()
        angle = -30 + unit() * 60
        dx2 = w * unit() * (0.3 - 0.1) + 0.1
        dy2 = h * unit() * (0.3 - 0.2) + 0.2
        x1, y1, x2, y2 = (int(unit() * (2 * limit) - limit) for limit in (dx2, dy2, dx2, dy2))
        warp = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        sizes.append(w)
        return {"symbol": symbol, "face": face, "dx": dx, "dy": dy, "angle": angle, "warp": warp}

    for symbol in chars:
        if unit() > 0.5:
            characters.append(character(" "))
        characters.append(character(symbol))
    text_width = sum(sizes)
    left = int(int(text_width / len(chars)) * 0.1)
    for each, size in zip(characters, sizes):
        each["left"] = left
        left += size - below()
    specks = [[below(), below()] for _ in range(30)]
    x1, x2, y1, y2, end, start = below(), below() + 32, below() + 12, below(), below() + 160, below()
    curve = {"x": x1, "y": y1, "width": x2 - x1, "height": y2, "start": start, "end": end, "color": color[:3] + [255]}
    assert next(take, None) is None
    return {
        "background": background + [255],
        "color": color,
        "characters": [each for each in characters if each["symbol"] != " "],
        "textWidth": text_width,
        "specks": specks,
        "curve": curve,
    }


probe = library.Draw(library.createImage("RGB", (1, 1)))
letters = random.Random(1)


def text():
    return "".join(letters.choice(SYMBOLS) for _ in range(4))


pictures = []
for _ in range(16):
    log.clear()
    chars = text()
    image = generator.generate_image(chars)
    data = base64.b64encode(zlib.compress(image.tobytes(), 9)).decode()
    pictures.append({"label": chars, "scene": scene(chars, list(log)), "data": data})

texts = []
for _ in range(4000):
    background = library.random_color(238, 255)
    color = library.random_color(10, 200, secrets.randbelow(36) + 220)
    texts.append(figures(generator.create_captcha_image(text(), color, background).filter(ImageFilter.SMOOTH)))
wholes = [figures(generator.generate_image(text())) for _ in range(4000)]

versions = {
    "python": sys.version.split()[0],
    "captcha": "0.7.1",
    "pillow": PIL.__version__,
    "numpy": numpy.__version__,
}
result = {"versions": versions, "text": summary(texts), "whole": summary(wholes), "pictures": pictures}
(here / "image-captcha.json").write_text(json.dumps(result, indent=1) + "\n")
