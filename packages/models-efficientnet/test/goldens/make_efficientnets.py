"""timm's efficientnet_b0, written to efficientnets.json.

Ran on: Python 3.11.7, torch 2.13.0+cpu, timm 1.0.31, torchvision 0.28.0, numpy 2.4.6. Usage: python make_efficientnets.py
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "models-core/test/goldens"))
from torch_goldens import forward_golden, trainable, training_golden, write  # before timm, which imports torchvision

import timm
from timm.models.efficientnet import _gen_efficientnet

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def scaled(name):
    """Parameters and probabilities of being skipped, by block, of a wider and deeper network."""
    model = timm.create_model(name, drop_path_rate=0.2)
    return {
        "trainable": trainable(model),
        "dropPathRates": {
            f"blocks.{i}.{j}": block.drop_path.drop_prob
            for i, stage in enumerate(model.blocks)
            for j, block in enumerate(stage)
            if block.has_skip and hasattr(block.drop_path, "drop_prob")
        },
    }


write(
    __file__,
    versions={"timm": timm.__version__},
    trainable={classes: trainable(timm.create_model("efficientnet_b0", num_classes=classes)) for classes in (1000, 26)},
    scaled={name: scaled(name) for name in ["efficientnet_b0", "efficientnet_b1", "efficientnet_b3"]},
    forward=forward_golden(timm.create_model("efficientnet_b0", num_classes=20), (1, 33, 40, 3), **IMAGENET),
    training=training_golden(_gen_efficientnet("efficientnet_b0", 0.25, num_classes=5), (4, 65, 80, 3), **IMAGENET),
)
