"""Writes drawings, and what OpenCV, numpy and imagehash measure on them, into quality/ and quality.json.

Ran on Python 3.11.7, OpenCV 5.0.0, numpy 2.4.6, Pillow 13.0.0, imagehash 4.3.2; each run writes its versions into
quality.json. The drawings are made here from formulas.
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import cv2
import imagehash
import numpy as np
import PIL
from PIL import Image, ImageFilter

HERE = Path(__file__).parent
OUT = HERE / "quality"
OUT.mkdir(exist_ok=True)
BILINEAR = Image.Resampling.BILINEAR

y, x = np.mgrid[0:40, 0:56]
rings = 127.5 + 127.5 * np.sin(np.hypot(x - 20, y - 15) / 2)
RINGS = np.stack([rings, np.roll(rings, 5, 1), 255 - rings], axis=2).astype(np.uint8)
STRIPES = np.where(((x // 7) + (y // 9)) % 2, 220, 30).astype(np.uint8)
NOISE = ((x * 7919 + y * 104729 + x * y * 31) % 256).astype(np.uint8)

rings = Image.fromarray(RINGS)
DRAWINGS = {
    "rings.png": rings,
    "rings-blurred.png": rings.filter(ImageFilter.GaussianBlur(2)),
    "rings-small.png": rings.resize((28, 20), BILINEAR),
    "rings-darker.png": rings.point(lambda value: value * 0.8),
    "stripes.png": Image.fromarray(STRIPES),
    "noise.png": Image.fromarray(NOISE),
    "one-row.png": Image.fromarray(NOISE[:1]),
}

cases = []
for file, drawing in DRAWINGS.items():
    drawing.save(OUT / file)
    grey = Image.open(OUT / file).convert("L")
    pixels = np.asarray(grey)
    # One axis after the other, as in make_pictures.py; imagehash then finds the size it would bring the picture to.
    square = grey.resize((32, grey.height), BILINEAR).resize((32, 32), BILINEAR)
    cases.append({
        "file": file, "width": grey.width, "height": grey.height,
        "sharpness": float(cv2.Laplacian(pixels, cv2.CV_64F).var()),
        "contrast": float(pixels.std(dtype=np.float64)),
        "hash": str(imagehash.phash(square)),
    })

versions = {
    "python": platform.python_version(), "opencv": cv2.__version__, "numpy": np.__version__,
    "pillow": PIL.__version__, "imagehash": version("ImageHash"),
}
(HERE / "quality.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")
