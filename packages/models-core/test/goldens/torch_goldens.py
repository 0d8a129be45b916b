"""What the golden scripts of the model packages share. `../torch-goldens.ts` makes the same weights, pictures and labels.

Weights and pictures come from a hash of their index, so that a test makes the same ones without a file. Logits, loss and
gradients are computed in float64 from float32 weights.
"""

import copy
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

# torchvision from the PyPI brings its compiled operations for CUDA only. No network needs them, but to be imported beside
# a PyTorch for CPUs it wants two of their names. timm imports torchvision.
if torch.version.cuda is None:
    for operation in ("nms", "qnms"):
        torch.library.define(f"torchvision::{operation}", "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")


def hashed(text, count):
    """`count` numbers in [-1, 1): MurmurHash3's finaliser over the index plus FNV-1a of `text`, all in 32 bits."""
    seed = 0x811C9DC5
    for byte in text.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = (np.arange(count, dtype=np.uint64) + np.uint64(seed)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return (h.astype(np.float64) / 2**31 - 1).astype(np.float32)


def fill(model):
    """Weights in U(+-sqrt(6 / fan_in)), so that logits come out of order 1; statistics and gammas around 1."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            unit = torch.from_numpy(hashed(name, value.numel())).reshape(value.shape)
            if value.dim() > 1:
                value.copy_(unit * np.float32(np.sqrt(6 / value[0].numel())))
            elif name.endswith((".weight", ".running_var")):
                value.copy_(unit * np.float32(0.5) + 1)
            else:
                value.copy_(unit * np.float32(0.25))


def pictures(shape):
    """Whole pixel values 0..255 `[B, H, W, C]`."""
    unit = hashed("pictures", int(np.prod(shape)))
    return np.floor((unit.astype(np.float64) + 1) * 128).astype(np.float32).reshape(shape)


def trainable(model):
    return sum(p.numel() for p in model.parameters())


def forward_golden(model, shape, mean=0.0, std=1.0):
    """Logits `[B, ...]` of pictures `[B, H, W, C]` that are scaled to 0..1 and normalised by `mean` and `std`."""
    fill(model)
    model.double().eval()
    with torch.no_grad():
        logits = model(network_input(shape, mean, std))
    return {
        "inputShape": list(shape),
        "trainable": trainable(model),
        "tensors": {
            name: list(value.shape)
            for name, value in model.state_dict().items()
            if not name.endswith("num_batches_tracked")
        },
        "logits": [rounded(x) for x in logits.reshape(-1)],
    }


def training_golden(model, shape, mean=0.0, std=1.0):
    """Also loss and gradients in training mode, and the running means after that step. Nothing may be random in `model`.

    Of each gradient the norm, a weighted sum, and how far PyTorch's own float32 is from both: |difference| / |gradient|.
    """
    forward = forward_golden(model, shape, mean, std)
    single = copy.deepcopy(model).float()
    loss = train(model, shape, mean, std)
    train(single, shape, mean, std)
    in_float32 = dict(single.named_parameters())
    return {
        **forward,
        "loss": rounded(loss.item()),
        "gradients": {
            name: [
                rounded(p.grad.norm()),
                weighted_sum(name, p.grad),
                rounded((in_float32[name].grad.double() - p.grad).norm() / p.grad.norm().clamp(min=1e-9)),
            ]
            for name, p in model.named_parameters()
        },
        "runningMeans": {
            name: weighted_sum(name, value)
            for name, value in model.state_dict().items()
            if name.endswith("running_mean")
        },
    }


def train(model, shape, mean, std):
    """One forward and backward pass in training mode; returns the loss."""
    model.train()
    logits = model(network_input(shape, mean, std).to(next(model.parameters()).dtype))
    labels = torch.tensor([(7 * i + 1) % logits.shape[1] for i in range(shape[0])])
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    return loss


def network_input(shape, mean, std):
    x = (pictures(shape).astype(np.float64) / 255 - np.asarray(mean)) / np.asarray(std)
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous()


def weighted_sum(name, value):
    return rounded((value.reshape(-1) * torch.from_numpy(hashed(f"{name} of the sum", value.numel()))).sum())


def rounded(x):
    """Eight significant digits."""
    return float(f"{float(x):.8g}")


def write(script, **content):
    """Writes `content` and the versions beside `script`, as its name without `make_` says."""
    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": np.__version__}
    versions.update(content.pop("versions", {}))
    path = pathlib.Path(script)
    path = path.with_name(path.stem.removeprefix("make_") + ".json")
    path.write_text(json.dumps({"versions": versions, **content}) + "\n")
