"""Writes pictures in the forms files come in, and what Pillow reads from them, into pictures/ and pictures.json.

Ran on Python 3.11.7, Pillow 13.0.0, numpy 2.4.6; each run writes its versions into pictures.json.
The drawings are made here from a formula; nothing is taken from elsewhere.
"""

import json
import platform
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps

HERE = Path(__file__).parent
OUT = HERE / "pictures"
OUT.mkdir(exist_ok=True)
W, H = 13, 9
BACKGROUND = (10, 200, 60)

y, x = np.mgrid[0:H, 0:W]
RGB = np.stack([x * 19, y * 28, (x * 7 + y * 13) % 256], axis=2).astype(np.uint8)
ALPHA = ((x * 37 + y * 11) % 256).astype(np.uint8)
GREY = ((x * 17 + y * 5) % 256).astype(np.uint8)

cases = []


def over(image: Image.Image) -> Image.Image:
    """Composed over BACKGROUND as Pillow's paste does it."""
    rgba = image.convert("RGBA")
    base = Image.new("RGB", rgba.size, BACKGROUND)
    base.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
    return base


def expect(file: str, channels: int, image: Image.Image, **extra) -> None:
    pixels = np.asarray(image)
    cases.append({
        "file": file, "channels": channels, "width": image.width, "height": image.height,
        "pixels": pixels.reshape(-1).tolist(), **extra,
    })


def write(file: str, image: Image.Image, **options) -> Image.Image:
    image.save(OUT / file, **options)
    return Image.open(OUT / file)


rgb = Image.fromarray(RGB)
rgba = Image.fromarray(np.dstack([RGB, ALPHA]))
grey = Image.fromarray(GREY)

read = write("rgb.png", rgb)
expect("rgb.png", 3, read)
expect("rgb.png", 1, read.convert("L"))
expect("rgb.png", 4, read.convert("RGBA"))

read = write("grey.png", grey)
expect("grey.png", 1, read)
expect("grey.png", 3, read.convert("RGB"))

read = write("one-bit.png", Image.fromarray(GREY > 100))
expect("one-bit.png", 1, read.convert("L"))

grey16 = GREY.astype(np.uint16) * 256 + 255 - GREY
write("grey-16-bit.png", Image.fromarray(grey16))
expect("grey-16-bit.png", 1, Image.fromarray((grey16 >> 8).astype(np.uint8)))

read = write("rgba.png", rgba)
expect("rgba.png", 4, read)
expect("rgba.png", 3, over(read))
expect("rgba.png", 1, over(read).convert("L"))

read = write("grey-alpha.png", Image.merge("LA", [grey, Image.fromarray(ALPHA)]))
expect("grey-alpha.png", 3, over(read))
expect("grey-alpha.png", 1, over(read).convert("L"))



def write_png(file: str, color_type: int, samples: np.ndarray, chunks: dict[bytes, bytes] = {}) -> Image.Image:
    """A PNG with 16 bits a channel, which Pillow reads and does not write."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", W, H, 16, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    parts = {b"IHDR": header, **chunks, b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    (OUT / file).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items()))
    return Image.open(OUT / file)


# The low bytes differ from the high ones, so that rounding would show.
wide = lambda samples: samples.astype(np.uint16) * 256 + 255 - samples  # noqa: E731
read = write_png("rgba-16-bit.png", 6, wide(np.dstack([RGB, ALPHA])))
expect("rgba-16-bit.png", 4, read)
expect("rgba-16-bit.png", 3, over(read))
expect("rgba-16-bit.png", 1, over(read).convert("L"))
read = write_png("grey-alpha-16-bit.png", 4, wide(np.dstack([GREY, ALPHA])))
expect("grey-alpha-16-bit.png", 3, over(read))
expect("grey-alpha-16-bit.png", 1, over(read).convert("L"))

# One colour that is transparent wherever it stands.
read = write("rgb-key.png", rgb, transparency=(57, 28, 34))
expect("rgb-key.png", 3, over(read))
expect("rgb-key.png", 4, read.convert("RGBA"))
read = write("grey-key.png", grey, transparency=22)
expect("grey-key.png", 1, over(read).convert("L"))

palette = rgb.quantize(16)
read = write("palette.png", palette)
expect("palette.png", 3, read.convert("RGB"))

read = write("palette-transparent.png", palette, transparency=bytes((i * 17) % 256 for i in range(16)))
expect("palette-transparent.png", 3, over(read))
expect("palette-transparent.png", 4, read.convert("RGBA"))

read = write("two-frames.gif", palette, save_all=True, append_images=[palette.rotate(180)])
expect("two-frames.gif", 3, read.convert("RGB"))

read = write("lossless.webp", rgba, lossless=True, exact=True)
expect("lossless.webp", 4, read)

# Subsampling is off: how colours are spread over pixels again is the decoder's choice.
read = write("grey.jpg", grey, quality=95)
expect("grey.jpg", 1, read)

read = write("jpeg-named.png", rgb, format="JPEG", quality=95, subsampling=0)
expect("jpeg-named.png", 3, read)

for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = f"exif-{orientation}.jpg"
    read = write(file, rgb, quality=95, subsampling=0, exif=exif)
    expect(file, 3, ImageOps.exif_transpose(read))

# Colours of CMYK depend on the profile that is assumed, so only plain ones are looked at: paper, and full black ink.
ink = np.zeros((8, 16, 4), np.uint8)
ink[:, 8:, 3] = 255
write("cmyk.jpg", Image.fromarray(ink, "CMYK"), quality=95)
expect("cmyk.jpg", 1, Image.open(OUT / "cmyk.jpg").convert("L"), tolerance=12)



def bilinear(image: Image.Image, width: int, height: int) -> Image.Image:
    """Horizontal pass, then vertical. One call would leave their order to Pillow, which 13.0.0 chooses by the sizes."""
    if image.size == (width, height):
        return image.copy()  # as Pillow does
    if image.mode == "RGBA":
        return bilinear(image.convert("RGBa"), width, height).convert("RGBA")
    wide = image.resize((width, image.height), Image.Resampling.BILINEAR)
    return wide.resize((width, height), Image.Resampling.BILINEAR)


for width, height in [(26, 18), (7, 5), (20, 4), (5, 30), (13, 4), (1, 1), (13, 9)]:
    resize = {"width": width, "height": height}
    expect("rgb.png", 3, bilinear(rgb, width, height), resize=resize)
    expect("grey.png", 1, bilinear(grey, width, height), resize=resize)
    expect("rgba.png", 4, bilinear(rgba, width, height), resize=resize)
    expect("rgba.png", 3, bilinear(over(rgba), width, height), resize=resize)

versions = {"python": platform.python_version(), "pillow": PIL.__version__, "numpy": np.__version__}
cases_text = ",\n".join("    " + json.dumps(case) for case in cases)
(HERE / "pictures.json").write_text(
    '{\n  "versions": %s,\n  "background": %s,\n  "cases": [\n%s\n  ]\n}\n'
    % (json.dumps(versions), json.dumps(BACKGROUND), cases_text)
)
