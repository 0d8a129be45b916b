"""Writes torch.json: gradients and optimizer steps of PyTorch in double precision, which the tests compare with.

Run: python make_torch.py. Made with torch 2.13.0 (CPU).
"""

import json
import pathlib

import torch
import torch.nn.functional as F


def noise(*shape, seed):
    """Values that the tests make in the same way, see `noise` in test/reference.ts."""
    state = (seed * 2654435761) % 2**32
    values = []
    for _ in range(torch.Size(shape).numel()):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**30 - 2)
    # Stored as float32, then computed in double precision.
    return torch.tensor(values, dtype=torch.float32).reshape(shape).double()


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def conv_bn_relu():
    """conv 3x3 stride 1, padding 1 -> training batch norm (eps 1e-3) -> + 4 -> relu, NHWC; loss = sum(y * g).

    The shift by 4 keeps every ReLU open, so that rounding cannot flip one.
    """
    x = noise(2, 6, 7, 5, seed=1).requires_grad_()
    w = noise(3, 3, 5, 8, seed=2).requires_grad_()
    gamma = noise(8, seed=3).requires_grad_()
    beta = noise(8, seed=4).requires_grad_()
    y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), padding=1)
    mean = y.mean((0, 2, 3))
    variance = y.var((0, 2, 3), unbiased=False)
    y = F.batch_norm(y, None, None, gamma, beta, training=True, eps=1e-3)
    y = F.relu(y + 4 * 4).permute(0, 2, 3, 1)
    (y * noise(*y.shape, seed=9)).sum().backward()
    return {
        "y": flat(y),
        "mean": flat(mean),
        "variance": flat(variance),
        "dx": flat(x.grad),
        "dw": flat(w.grad),
        "dgamma": flat(gamma.grad),
        "dbeta": flat(beta.grad),
    }


def small_net(seed, dtype, autocast):
    """Two convolutions with training batch norm, a residual sum, ReLU, weighted mean over the map, dense; loss = sum(y * g).

    The shift by 4 keeps every ReLU open, so that rounding cannot flip one. Returns the gradients of all parameters.
    """
    shapes = {"w1": (3, 3, 3, 16), "w2": (3, 3, 16, 16), "gamma1": (16,), "gamma2": (16,), "beta1": (16,), "beta2": (16,), "w3": (16, 10)}
    p = {name: noise(*shape, seed=seed + i).to(dtype).requires_grad_() for i, (name, shape) in enumerate(shapes.items())}
    x = noise(4, 16, 16, 3, seed=seed + 7).to(dtype).permute(0, 3, 1, 2)

    def conv_bn(x, w, gamma, beta):
        y = F.conv2d(x, w.permute(3, 2, 0, 1), padding=1)
        return F.batch_norm(y, None, None, gamma / 4, beta + 4, training=True, eps=1e-3)

    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        first = F.relu(conv_bn(x, p["w1"], p["gamma1"], p["beta1"]))
        second = F.relu(conv_bn(first, p["w2"], p["gamma2"], p["beta2"]) + first)
        # Weighted: the plain mean of a normalised map hardly depends on what comes before.
        y = (second * noise(4, 16, 16, 16, seed=seed + 8).to(dtype).permute(0, 3, 1, 2)).mean((2, 3)) @ p["w3"]
    (y.to(dtype) * noise(4, 10, seed=seed + 9).to(dtype)).sum().backward()
    return {name: tensor.grad.double() for name, tensor in p.items()}


def mixed_precision():
    """Gradients in double precision, and how far those of PyTorch's autocast are from them: |difference| / |gradient|."""
    nets = []
    for seed in (20, 40, 60, 80):
        exact, rounded = small_net(seed, torch.float64, False), small_net(seed, torch.float32, True)
        error = {name: float((rounded[name] - exact[name]).norm() / exact[name].norm()) for name in exact}
        gradients = {name: [float(f"{value:.8g}") for value in flat(gradient)] for name, gradient in exact.items()}
        nets.append({"seed": seed, "gradients": gradients, "autocastError": error})
    return nets


def transposed(tensor):
    return tensor.permute(*reversed(range(tensor.ndim))).contiguous()


def lstm():
    """Bidirectional LSTM with initial states; loss = sum(y * g) + sum(h * g) + sum(c * g).

    PyTorch's gates are in the order i, f, g, o as well, its matrices transposed; of its two biases the second is 0.
    """
    batch, steps, features, units = 3, 5, 4, 6
    x = noise(batch, steps, features, seed=1).requires_grad_()
    state = [noise(2, batch, units, seed=seed).requires_grad_() for seed in (2, 3)]
    layer = torch.nn.LSTM(features, units, batch_first=True, bidirectional=True, dtype=torch.float64)
    weights = {}
    for i, direction in enumerate(("", "_reverse")):
        names = {"kernel": f"weight_ih_l0{direction}", "recurrentKernel": f"weight_hh_l0{direction}", "bias": f"bias_ih_l0{direction}"}
        for j, (name, theirs) in enumerate(names.items()):
            weight = weights[f"{name}{i}"] = getattr(layer, theirs)
            weight.data = transposed(noise(*reversed(weight.shape), seed=10 + 3 * i + j) / 2)
        getattr(layer, f"bias_hh_l0{direction}").data.zero_()
    y, (h, c) = layer(x, tuple(state))
    losses = [(tensor * noise(*tensor.shape, seed=seed)).sum() for tensor, seed in ((y, 20), (h, 21), (c, 22))]
    sum(losses).backward()
    tensors = {"y": y, "h": h, "c": c, "dx": x.grad, "dh": state[0].grad, "dc": state[1].grad}
    tensors |= {f"d{name}": transposed(weight.grad) for name, weight in weights.items()}
    return {name: [float(f"{value:.8g}") for value in flat(tensor)] for name, tensor in tensors.items()}


def steps(make, count=4):
    """Parameter after each of `count` steps with gradients noise(seed=10), noise(seed=11), ..."""
    parameter = torch.nn.Parameter(noise(33, seed=5))
    optimizer = make([parameter])
    trace = []
    for step in range(count):
        parameter.grad = noise(33, seed=10 + step)
        optimizer.step()
        trace.append(flat(parameter))
    return trace


golden = {
    "torch": torch.__version__,
    "convBnRelu": conv_bn_relu(),
    "mixedPrecision": mixed_precision(),
    "lstm": lstm(),
    "adamw": steps(lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "adam": steps(lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "sgd": steps(lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.01)),
    "momentum": steps(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    "nesterov": steps(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
}
pathlib.Path(__file__).with_name("torch.json").write_text(json.dumps(golden))
