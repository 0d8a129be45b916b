"""Writes tar archives in the forms there are, and what webdataset reads from them, into archives/ and archives.json.

Ran on Python 3.11.7, webdataset 1.0.2; each run writes its versions into archives.json. Contents are made here.
"""

import hashlib
import io
import json
import platform
import tarfile
from importlib.metadata import version
from pathlib import Path

import webdataset as wds
from PIL import Image

HERE = Path(__file__).parent
OUT = HERE / "archives"
OUT.mkdir(exist_ok=True)


def png(k: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4 + k, 3), (k * 20, 100, 255 - k)).save(out, "PNG")
    return out.getvalue()


DEEP = "a folder with a long name/" * 7
FILES = [
    ("__meta__", b"{}"), ("__meta__/000.png", b"{}"),
    ("000.png", png(0)), ("000.cls", b"3"), ("000.json", b'{"label": "other"}'),
    ("001.PNG", png(1)), ("001.cls", b"0\n"),
    ("sub/001.png", png(2)), ("sub/001.Cls", b" 7 "),
    ("sub.d/002.seg.png", b"no picture"), ("sub.d/002.png", png(3)), ("sub.d/002.cls", b"9"),
    ("no-extension", b"?"), (".hidden", b"?"),
    ("ünï 字.png", png(4)), ("ünï 字.cls", b"1"),
    ("empty.part", b""), ("empty.png", png(5)), ("empty.cls", b"2"),
]
LONG = [(f"{DEEP}{'n' * 60}.png", png(6)), (f"{DEEP}{'n' * 60}.cls", b"4")]

archives = []
for name, form in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
    path = OUT / f"{name}.tar"
    with tarfile.open(path, "w", format=form, pax_headers={"comment": "of all files"} if name == "pax" else None) as tar:
        folder = tarfile.TarInfo("sub")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for file, content in FILES + LONG:
            info = tarfile.TarInfo(file)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    samples = []
    for sample in wds.WebDataset(str(path), shardshuffle=False):
        parts = {k: hashlib.md5(v).hexdigest() for k, v in sample.items() if not k.startswith("__")}
        samples.append({"key": sample["__key__"], "parts": parts})
    archives.append({"file": f"{name}.tar", "samples": samples})

versions = {"python": platform.python_version(), "webdataset": version("webdataset")}
(HERE / "archives.json").write_text(json.dumps({"versions": versions, "archives": archives}, indent=1) + "\n")
