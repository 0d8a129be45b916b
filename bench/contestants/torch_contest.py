"""What the contestants that are PyTorch have in common: their arguments and the talk with ../support/contestant.ts."""

import json
import resource
import sys
import time
from types import SimpleNamespace

import torch

from torch_models import MODELS, build

WARM_UP_CALLS, WARM_UP_SECONDS = 2, 1.5


def open_model():
    """Arguments: model, batch, float32 | bfloat16, memory layout, eager | compiled."""
    name, batch, precision, layout, mode = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
    _, (height, width, channels), positions, classes = MODELS[name]
    memory_format = {"channels-last": torch.channels_last, "contiguous": torch.contiguous_format}[layout]
    model = build(name).to(memory_format=memory_format)
    pixels = torch.randint(0, 256, (batch, height, width, channels)).float()
    return SimpleNamespace(
        model=model,
        # Compiled at its first call, in the mode, training or not, that the model has then.
        forward=torch.compile(model) if mode == "compiled" else model,
        autocast=lambda: torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"),
        # Pictures as our backends get them, [batch, height, width, channels]; `as_input` is free in channels-last.
        pixels=pixels,
        as_input=lambda: pixels.permute(0, 3, 1, 2).contiguous(memory_format=memory_format),
        batch=batch,
        positions=positions,
        classes=classes,
        description=f"PyTorch {torch.__version__}, {mode}, {layout}, {torch.get_num_threads()} threads",
    )


def contest(run, description):
    started, calls = time.perf_counter(), 0
    while calls < WARM_UP_CALLS or time.perf_counter() - started < WARM_UP_SECONDS:
        run()
        calls += 1
    calls = 0
    say({"ready": description})
    for line in sys.stdin:
        command, *count = line.split()
        if command != "run":
            break
        start = time.perf_counter()
        for _ in range(int(count[0])):
            run()
        calls += int(count[0])
        say({"milliseconds": 1000 * (time.perf_counter() - start) / int(count[0])})
    say({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "calls": calls})


def say(value):
    print(json.dumps(value), flush=True)
