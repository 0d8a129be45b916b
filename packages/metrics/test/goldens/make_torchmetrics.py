"""Writes torchmetrics.json: what torchmetrics and torch give for some batches of logits and some texts.

Ran on Python 3.11.7 with torch 2.13.0 (CPU) and torchmetrics 1.9.0. From this folder: python make_torchmetrics.py

Logits are rounded to three decimals and differ within a row, because torch does not say which of equals comes first.
torchmetrics gives float32 values.
"""

import json
import random
import sys
import warnings

import torch
import torchmetrics
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassExactMatch
from torchmetrics.text import CharErrorRate, WordErrorRate

warnings.filterwarnings("ignore")
rng = random.Random(7)


def batch(examples, positions, classes, labels_from=None, ignored=0.0, ignore_index=None):
    """Labels, and logits that lean towards them, as lists [B][L] and [B][L][C]."""
    logits, labels = [], []
    for _ in range(examples):
        rows, row_labels = [], []
        for _ in range(positions):
            label = rng.choice(labels_from or range(classes))
            scores = [round(rng.gauss(1.5 if c == label else 0, 1), 3) for c in range(classes)]
            while len(set(scores)) < classes:
                scores = [round(score + rng.uniform(-0.01, 0.01), 3) for score in scores]
            rows.append(scores)
            row_labels.append(ignore_index if rng.random() < ignored else label)
        logits.append(rows)
        labels.append(row_labels)
    return logits, labels


def case(name, examples, positions, classes, ignore_index=None, **options):
    logits, labels = batch(examples, positions, classes, ignore_index=ignore_index, **options)
    preds = torch.tensor(logits, dtype=torch.float32).permute(0, 2, 1)  # [B, C, L]
    target = torch.tensor(labels)  # [B, L]
    ignore = {"ignore_index": ignore_index}

    def accuracy(average, top_k=1, p=preds, t=target):
        return MulticlassAccuracy(classes, average=average, top_k=top_k, **ignore)(p, t).tolist()

    keep = target != (ignore_index if ignore_index is not None else -10**6)
    losses = torch.nn.functional.cross_entropy(preds.double(), target, reduction="none",
                                               ignore_index=-10**6 if ignore_index is None else ignore_index)
    counted = keep.any(dim=1)
    return {
        "name": name,
        "shape": [examples, positions, classes],
        "logits": [score for rows in logits for row in rows for score in row],
        "labels": [label for row in labels for label in row],
        "ignoreIndex": ignore_index,
        "micro": {str(k): accuracy("micro", k) for k in (1, 2, 3)},
        "macro": {str(k): accuracy("macro", k) for k in (1, 2, 3)},
        "perClass": accuracy("none"),
        "perPosition": [accuracy("micro", 1, preds[:, :, i], target[:, i]) for i in range(positions)],
        "exactMatch": float(MulticlassExactMatch(classes, **ignore)(preds, target)),
        "exactMatchWithoutIgnoredExamples": float(MulticlassExactMatch(classes, **ignore)(preds[counted], target[counted])),
        "confusion": {normalize: MulticlassConfusionMatrix(classes, normalize=normalize, **ignore)(preds, target).tolist()
                      for normalize in ("none", "true", "pred", "all")},
        "lossPerPlace": float(losses[keep].mean()),
        "lossPerExample": float(losses.sum(dim=1)[counted].mean()),
    }


def texts():
    alphabet = "abcXYZ0189 é汉\U0001F600"

    def word():
        return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 9)))

    expected = [word() for _ in range(60)] + ["kitten", "", "same", "two words here"]
    predicted = [text if rng.random() < 0.3 else word() for text in expected[:60]] + ["sitting", "x", "same", "to words"]
    return {
        "expected": expected,
        "predicted": predicted,
        "characterErrorRate": float(CharErrorRate()(predicted, expected)),
        "wordErrorRate": float(WordErrorRate()(predicted, expected)),
    }


document = {
    "made_by": "make_torchmetrics.py",
    "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "torchmetrics": torchmetrics.__version__},
    "cases": [
        case("captcha-like", 60, 4, 12),
        case("one label a picture", 150, 1, 5),
        case("classes that never are labels", 80, 2, 9, labels_from=[0, 2, 3, 7]),
        case("padding with -1", 70, 5, 6, ignore_index=-1, ignored=0.3),
        case("a class as padding", 70, 3, 6, ignore_index=2, ignored=0.3),
        case("whole pictures of padding", 40, 2, 4, ignore_index=-100, ignored=0.7),
    ],
    "texts": texts(),
}
with open("torchmetrics.json", "w") as file:
    json.dump(document, file, separators=(",", ":"))
    file.write("\n")
