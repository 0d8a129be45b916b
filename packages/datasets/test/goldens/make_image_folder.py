"""Writes what torchvision's ImageFolder makes of a folder with hard names into image_folder.json.

Ran on Python 3.11.7, torchvision 0.28.0; each run writes its versions into image_folder.json. Names that start with a
dot are left out of the list, because our deviation is to pass over them.
"""

import json
import platform
import sys
import tempfile
import types
from pathlib import Path

# PyPI's torchvision is built for CUDA; beside a PyTorch for CPU alone its operators, which are not needed, do not load.
sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
import torchvision
from torchvision.datasets import ImageFolder

HERE = Path(__file__).parent
FILES = [
    "b/2.png", "b/10.png", "b/B.PNG", "b/a b.JpEg", "b/notes.txt", "b/no-extension",
    "a/sub/1.png", "a/sub-2/1.png", "a/sub/deeper/0.webp", "a/z.jpg", "a/sub.png",
    "B/1.jpg", "10/1.jpg", "9/1.jpg", "é/1.jpg", "e\u0301/1.jpg",
    # Code points and UTF-16 code units order these two the other way round.
    "\uff5e/1.jpg", "\U0001f642/\U0001f642.png", "\U0001f642/\uff5e.png",
    "two words/100%25 #1?.png", "two words/it's [a] {b}.png",
]

with tempfile.TemporaryDirectory() as root:
    for file in FILES:
        path = Path(root, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read")
    folder = ImageFolder(root)
    golden = {
        "versions": {"python": platform.python_version(), "torchvision": torchvision.__version__},
        "files": FILES,
        "classes": folder.classes,
        "samples": [[Path(path).relative_to(root).as_posix(), label] for path, label in folder.samples],
    }

(HERE / "image_folder.json").write_text(json.dumps(golden, indent=1) + "\n")
