"""Coverage of DejaVu Sans glyphs as FreeType draws them: freetype.json beside this file.

Ran on Python 3.11, freetype-py 2.5.1 (FreeType 2.13.2):
    python make_freetype.py

Unhinted, 72 dpi (so the size is in pixels an em), each glyph in a square of `size` pixels, origin at the left edge,
baseline `baseline` pixels from the top, clipped; rows of 8-bit levels, deflated, base64.
"""

import base64
import json
import pathlib
import sys
import zlib

import freetype

here = pathlib.Path(__file__).parent
font = here.parent.parent / "fonts" / "DejaVuSans.ttf"
face = freetype.Face(str(font))

cases = []
for size, baseline, symbols in [
    (38, 32, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    (17, 13, "agjQ8&"),
    (90, 75, "agjQ8&"),
]:
    face.set_char_size(size * 64, 0, 72, 72)
    for symbol in symbols:
        face.load_char(symbol, freetype.FT_LOAD_RENDER | freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP)
        slot, bitmap = face.glyph, face.glyph.bitmap
        square = bytearray(size * size)
        for row in range(bitmap.rows):
            for column in range(bitmap.width):
                x, y = slot.bitmap_left + column, baseline - slot.bitmap_top + row
                if 0 <= x < size and 0 <= y < size:
                    square[y * size + x] = bitmap.buffer[row * bitmap.pitch + column]
        data = base64.b64encode(zlib.compress(bytes(square), 9)).decode()
        cases.append({"symbol": symbol, "size": size, "baseline": baseline, "data": data})

versions = {
    "python": sys.version.split()[0],
    "freetype": ".".join(map(str, freetype.version())),
}
(here / "freetype.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
