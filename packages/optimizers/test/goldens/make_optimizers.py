"""Trajectories of torch.optim, of clip_grad_norm_ and of averaged weights, written to optimizers.json.

Ran on: Python 3.11.7, torch 2.13.0+cpu. Usage: python make_optimizers.py
"""

import json
import pathlib
import sys

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 20
KEPT = [1, 2, 3, 5, 10, 20]
SHAPES = {"conv/kernel": [2, 3, 2], "dense/kernel": [3, 4], "dense/bias": [4]}

generator = torch.Generator().manual_seed(20240229)


def numbers(tensor):
    return [float(x) for x in tensor.detach().reshape(-1)]


START = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
GRADIENTS = [
    {name: torch.randn(shape, generator=generator) * 0.5 + 0.1 for name, shape in SHAPES.items()} for _ in range(STEPS)
]
RATES = [0.05 * (1 + (step % 4)) / 2 for step in range(STEPS)]


def trajectory(make, *, skip=lambda name, step: False, scale=lambda name: 1.0, decay=lambda name: None):
    """Parameters after the steps of KEPT; each parameter is a group of its own so that its settings can differ."""
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in START.items()}
    groups = []
    for name, parameter in parameters.items():
        group = {"params": [parameter]}
        if decay(name) is not None:
            group["weight_decay"] = decay(name)
        groups.append(group)
    optimizer = make(groups)
    kept = {}
    for step in range(STEPS):
        for group, name in zip(optimizer.param_groups, parameters):
            group["lr"] = RATES[step] * scale(name)
        for name, parameter in parameters.items():
            parameter.grad = None if skip(name, step) else GRADIENTS[step][name].clone()
        optimizer.step()
        if step + 1 in KEPT:
            kept[str(step + 1)] = {name: numbers(parameter) for name, parameter in parameters.items()}
    return kept


def skipped(name, step):
    """The kernel is frozen in steps 4..8, the bias begins at step 3."""
    return (name == "dense/kernel" and 4 <= step <= 8) or (name == "dense/bias" and step < 3)


def sgd(**settings):
    return lambda groups: torch.optim.SGD(groups, lr=0.1, foreach=False, **settings)


def adam(**settings):
    return lambda groups: torch.optim.Adam(groups, lr=0.1, foreach=False, **settings)


def adamw(**settings):
    return lambda groups: torch.optim.AdamW(groups, lr=0.1, foreach=False, **settings)


def no_decay_on_vectors(name):
    return 0.0 if len(SHAPES[name]) <= 1 else None


def slow_convolution(name):
    return 0.25 if name.startswith("conv/") else 1.0


CASES = {
    "sgd": trajectory(sgd()),
    "sgd-decay": trajectory(sgd(weight_decay=0.05)),
    "sgd-momentum": trajectory(sgd(momentum=0.9)),
    "sgd-dampening-decay": trajectory(sgd(momentum=0.8, dampening=0.3, weight_decay=0.05)),
    "sgd-nesterov-decay": trajectory(sgd(momentum=0.9, nesterov=True, weight_decay=5e-4)),
    "sgd-skipped": trajectory(sgd(momentum=0.9, weight_decay=0.01), skip=skipped),
    "adam": trajectory(adam()),
    "adam-l2": trajectory(adam(betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "adamw": trajectory(adamw()),
    "adamw-large-epsilon": trajectory(adamw(betas=(0.5, 0.9), eps=0.1, weight_decay=0.3)),
    "adamw-skipped": trajectory(adamw(weight_decay=0.1), skip=skipped),
    "adamw-groups": trajectory(adamw(weight_decay=0.2), decay=no_decay_on_vectors, scale=slow_convolution),
}


def clipped(max_norm):
    parameters = [torch.nn.Parameter(value.clone()) for value in START.values()]
    for parameter, gradient in zip(parameters, GRADIENTS[0].values()):
        parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return {
        "maxNorm": max_norm,
        "norm": float(norm),
        "gradients": {name: numbers(parameter.grad) for name, parameter in zip(START, parameters)},
    }


class Holder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.values = torch.nn.ParameterList([value.clone() for value in START.values()])


def averaged(decay):
    """Averages while the parameters walk along their gradients; the first update copies."""
    model = Holder()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    kept = {}
    for step in range(STEPS):
        with torch.no_grad():
            for parameter, gradient in zip(model.values, GRADIENTS[step].values()):
                parameter.copy_(gradient)
        average.update_parameters(model)
        if step + 1 in KEPT:
            kept[str(step + 1)] = {name: numbers(p) for name, p in zip(START, average.module.values)}
    return {"decay": decay, "averages": kept}


path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text(
    json.dumps(
        {
            "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
            "shapes": SHAPES,
            "start": {name: numbers(value) for name, value in START.items()},
            "gradients": [{name: numbers(value) for name, value in step.items()} for step in GRADIENTS],
            "learningRates": RATES,
            "cases": CASES,
            "clip": [clipped(0.7), clipped(100.0)],
            "ema": averaged(0.8),
        }
    )
    + "\n"
)
