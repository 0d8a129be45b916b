"""Goldens of softmaxCrossEntropyPerPosition: value and gradient by PyTorch, in float64.

Made with Python 3 and torch 2.13.0: python make_losses.py > losses.json
"""

import json

import torch
import torch.nn.functional as F

CASES = [
    {"name": "plain", "shape": (3, 4, 5), "scale": 1.0, "smoothing": 0.0},
    {"name": "smoothed", "shape": (3, 4, 5), "scale": 1.0, "smoothing": 0.1},
    {"name": "one position", "shape": (2, 1, 7), "scale": 3.0, "smoothing": 0.3},
    {"name": "large logits", "shape": (2, 3, 4), "scale": 60.0, "smoothing": 0.0},
    {"name": "all smoothed away", "shape": (2, 2, 3), "scale": 1.0, "smoothing": 1.0},
]

generator = torch.Generator().manual_seed(1)
cases = []
for case in CASES:
    batch, positions, classes = case["shape"]
    # Rounded to float32 so that both sides start from the same numbers.
    logits = (torch.randn(case["shape"], generator=generator) * case["scale"]).to(torch.float64).requires_grad_()
    labels = torch.randint(classes, (batch, positions), generator=generator)
    loss = sum(
        F.cross_entropy(logits[:, position], labels[:, position], label_smoothing=case["smoothing"])
        for position in range(positions)
    )
    loss.backward()
    cases.append(
        {
            "name": case["name"],
            "labelSmoothing": case["smoothing"],
            "shape": list(case["shape"]),
            "logits": logits.detach().flatten().tolist(),
            "labels": labels.flatten().tolist(),
            "loss": loss.item(),
            "gradient": logits.grad.flatten().tolist(),
        }
    )
print(json.dumps({"madeBy": "make_losses.py", "torch": torch.__version__.split("+")[0], "cases": cases}))
