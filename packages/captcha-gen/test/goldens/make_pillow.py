"""What Pillow makes of some pictures: pillow.json beside this file.

Ran on Python 3.11, Pillow 11.3.0:
    python make_pillow.py

Pixels are rows of all channels, deflated, base64. Pictures with opacity have one colour and any opacity, as captchas have.
"""

import base64
import json
import pathlib
import random
import sys
import zlib

import PIL
from PIL import Image, ImageDraw, ImageFilter

here = pathlib.Path(__file__).parent
chance = random.Random(7)


def packed(image):
    data = base64.b64encode(zlib.compress(image.tobytes(), 9)).decode()
    return {"width": image.width, "height": image.height, "data": data}


def noise(mode, width, height):
    return Image.frombytes(mode, (width, height), chance.randbytes(width * height * len(mode)))


def blob(width, height):
    """One colour, its opacity in blocks and slopes, with nothing in between."""
    color = tuple(chance.randrange(10, 201) for _ in range(3))
    opacity = [max(0, min(255, chance.randrange(-300, 500))) for _ in range(width * height)]
    pixels = [(*color, a) if a > 0 else (0, 0, 0, 0) for a in opacity]
    image = Image.new("RGBA", (width, height))
    image.putdata(pixels)
    return image


def drawn(width, height, draw):
    image = Image.new("L", (width, height))
    draw(ImageDraw.Draw(image))
    return packed(image)


smooth = []
for size in [(17, 11), (3, 3), (2, 5)]:
    image = noise("RGB", *size)
    smooth.append({"source": packed(image), "result": packed(image.filter(ImageFilter.SMOOTH))})

resize = []
for mode, size, target in [
    ("RGB", (200, 60), (160, 60)),
    ("RGB", (13, 9), (20, 15)),
    ("RGB", (1, 2), (7, 5)),
    ("RGBa", (31, 40), (38, 47)),
    ("RGBa", (38, 47), (31, 47)),
    ("RGBa", (20, 30), (9, 8)),
]:
    image = noise("RGB", *size) if mode == "RGB" else blob(*size).convert("RGBa")
    resize.append({"channels": len(mode), "source": packed(image), "result": packed(image.resize(target))})

turn = []
for size, degrees in [((21, 33), -29.7), ((21, 33), 17.3), ((30, 12), 0), ((5, 5), 29.999), ((40, 44), -0.01), ((1, 1), 10)]:
    image = blob(*size)
    result = image.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    turn.append({"degrees": degrees, "source": packed(image), "result": packed(result)})

quad = []
for size, (x1, y1, x2, y2) in [((26, 61), (3, -2, -4, 1)), ((35, 70), (0, 0, 0, 0)), ((20, 30), (-5, 4, 5, -4))]:
    w, h = size
    w2, h2 = w + abs(x1) + abs(x2), h + abs(y1) + abs(y2)
    image = blob(w2, h2)
    corners = (x1, y1, -x1, h2 - y2, w2 + x2, h2 + y2, w2 - x2, -y1)
    result = image.transform(size, Image.Transform.QUAD, corners)
    quad.append({"corners": corners, "source": packed(image), "result": packed(result)})

arc = []
for box, start, end in [
    ((10, 8, 120, 50), 0, 160),
    ((10, 8, 120, 50), 20, 200),
    ((10, 8, 121, 49), 7, 180),
    ((30, 2, 45, 58), 12, 187),
    ((30, 2, 44, 57), 3, 170),
    ((30, 30, 30, 40), 5, 190),
    ((5, 30, 100, 30), 5, 190),
    ((60, 20, 61, 21), 10, 170),
    ((-20, -10, 150, 70), 15, 165),
    ((20, 10, 100, 50), 180, 360),
    ((20, 10, 100, 50), 0, 180),
    ((20, 10, 100, 50), 200, 340),
    ((20, 10, 100, 50), 350, 380),
    ((20, 10, 100, 50), 100, 440),
    ((10, 5, 110, 35), 185, 530),
] + [
    (
        (x, y, x + chance.randrange(0, 140), y + chance.randrange(0, 50)),
        chance.randrange(0, 21),
        chance.randrange(160, 201),
    )
    for x, y in [(chance.randrange(0, 33), chance.randrange(12, 49)) for _ in range(40)]
]:
    result = drawn(130, 60, lambda draw: draw.arc(box, start, end, fill=255))
    arc.append({"box": box, "start": start, "end": end, "result": result})

speck = []
for x, y in [(4, 4), (0, 0), (9, 9), (9, 0), (0, 9), (8, 8), (1, 8)]:
    result = drawn(9, 9, lambda draw: draw.line(((x, y), (x - 1, y - 1)), fill=255, width=3))
    speck.append({"x": x, "y": y, "result": result})

paste = []
shares = [int(level * 1.97) for level in range(256)]
for place in [(3, 2), (-4, -3), (20, 12)]:
    below, above = noise("RGB", 30, 20), blob(16, 14)
    result = below.copy()
    result.paste(above, place, above.convert("L").point(shares))
    paste.append({"place": place, "below": packed(below), "above": packed(above), "result": packed(result)})

versions = {"python": sys.version.split()[0], "pillow": PIL.__version__}
result = {
    "versions": versions,
    "smooth": smooth,
    "resize": resize,
    "turn": turn,
    "quad": quad,
    "arc": arc,
    "speck": speck,
    "paste": paste,
}
(here / "pillow.json").write_text(json.dumps(result, indent=1) + "\n")
