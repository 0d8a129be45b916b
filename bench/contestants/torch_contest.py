"""What the contestants that are PyTorch have in common: their arguments."""

import sys
from types import SimpleNamespace

import torch

from contest import contest
from torch_models import MODELS, build

__all__ = ["contest", "open_model"]


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
