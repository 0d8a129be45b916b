"""Makes tensorboard.json: the records of event files that torch.utils.tensorboard writes.

Ran on Python 3.11, torch 2.13.0, tensorboard 2.21.0 (the versions stand in the JSON as well).

    python make_tensorboard.py
"""

import json
import math
import pathlib
import platform
import struct
import tempfile

import tensorboard
import torch
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter


def records(folder):
    """Every TFRecord of the one event file in a folder: its bytes as hex, and its message."""
    (path,) = pathlib.Path(folder).glob("events.out.tfevents.*")
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        yield data[: length + 16].hex(), Event.FromString(data[12 : 12 + length])
        data = data[length + 16 :]


SCALARS = [
    ("train/loss", 16.508537, 0, 1700000000.25),
    ("train/loss", 0.0, 1, 1700000001.5),
    ("validation/exactMatch", 0.9912, 127, 1700000002.0),
    ("validation/exactMatch", 1.0, 128, 1700000003.0),
    ("train/learningRate", 1e-7, 20000, 1700000004.125),
    ("train/größe", -3.5, 5_000_000_000, 1700000005.0),
    ("a" * 200, math.inf, 300, 1700000006.0),
]

with tempfile.TemporaryDirectory() as folder:
    with SummaryWriter(folder) as writer:
        for tag, value, step, time in SCALARS:
            writer.add_scalar(tag, value, step, walltime=time)
        several = Summary(
            value=[Summary.Value(tag="train/loss", simple_value=2.5), Summary.Value(tag="train/exact", simple_value=0.5)]
        )
        writer.file_writer.add_summary(several, 42, walltime=1700000007.0)
    (version, version_event), *rest = records(folder)

with tempfile.TemporaryDirectory() as folder:
    SummaryWriter(folder, purge_step=301).close()
    start, start_event = [(raw, event) for raw, event in records(folder) if event.HasField("session_log")][0]

# The writer signs its first record; without the signature it is what every event file begins with.
version_event.ClearField("source_metadata")

golden = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__, "tensorboard": tensorboard.__version__},
    "version": {
        "wallTime": version_event.wall_time,
        "message": version_event.SerializeToString(deterministic=True).hex(),
    },
    "sessionStart": {"wallTime": start_event.wall_time, "step": start_event.step, "record": start},
    "scalars": [
        {
            "wallTime": event.wall_time,
            "step": event.step,
            "scalars": [
                {"tag": value.tag, "value": value.simple_value if math.isfinite(value.simple_value) else str(value.simple_value)}
                for value in event.summary.value
            ],
            "record": raw,
        }
        for raw, event in rest
    ],
}
target = pathlib.Path(__file__).with_name("tensorboard.json")
target.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
