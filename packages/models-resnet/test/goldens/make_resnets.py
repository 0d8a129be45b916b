"""Residual networks in PyTorch, written to resnets.json: torchvision's, and the widespread form of WideResNet.

Ran on: Python 3.11.7, torch 2.13.0+cpu, torchvision 0.28.0, numpy 2.4.6. Usage: python make_resnets.py
"""

import pathlib
import sys

import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "models-core/test/goldens"))
from torch_goldens import forward_golden, trainable, training_golden, write  # before torchvision, for which it makes way

import torchvision
from torchvision.models.resnet import BasicBlock, ResNet

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
CIFAR10 = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.201]}


def thin(blocks, num_classes, width, narrow_stem=False, channels=3):
    """torchvision's network with `width` channels instead of 64, and another stem."""
    model = ResNet(BasicBlock, blocks, num_classes)
    model.inplanes = width
    model.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
    if narrow_stem:
        model.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
    model.bn1 = nn.BatchNorm2d(width)
    for stage, count in enumerate(blocks):
        stride = 1 if stage == 0 else 2
        setattr(model, f"layer{stage + 1}", model._make_layer(BasicBlock, width * 2**stage, count, stride))
    model.fc = nn.Linear(width * 8, num_classes)
    return model


class WideBlock(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        if channels != filters:
            self.convShortcut = nn.Conv2d(channels, filters, 1, stride, 0, bias=False)

    def forward(self, x):
        activated = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(activated))))
        return out + (self.convShortcut(activated) if hasattr(self, "convShortcut") else x)


class WideGroup(nn.Module):
    def __init__(self, count, channels, filters, stride):
        super().__init__()
        blocks = [WideBlock(filters if i else channels, filters, 1 if i else stride) for i in range(count)]
        self.layer = nn.Sequential(*blocks)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, widen_factor, num_classes=10):
        super().__init__()
        count = (depth - 4) // 6
        widths = [16, 16 * widen_factor, 32 * widen_factor, 64 * widen_factor]
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = WideGroup(count, widths[0], widths[1], 1)
        self.block2 = WideGroup(count, widths[1], widths[2], 2)
        self.block3 = WideGroup(count, widths[2], widths[3], 2)
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.fc = nn.Linear(widths[3], num_classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


write(
    __file__,
    versions={"torchvision": torchvision.__version__},
    trainable={
        "resnet18": trainable(torchvision.models.resnet18()),
        "resnet34": trainable(torchvision.models.resnet34()),
        "wideresnet-16-4": trainable(WideResNet(16, 4)),
        "wideresnet-40-2": trainable(WideResNet(40, 2)),
    },
    forward={
        "resnet34": forward_golden(torchvision.models.resnet34(num_classes=378), (1, 20, 33, 3), **IMAGENET),
        "resnet18 narrow": forward_golden(thin([2, 2, 2, 2], 5, 8, True, 1), (2, 9, 14, 1), mean=0.5, std=0.5),
        "wideresnet-28-10": forward_golden(WideResNet(28, 10), (1, 4, 5, 3), **CIFAR10),
    },
    training={
        "resnet34 thin": training_golden(thin([3, 4, 6, 3], 5, 4), (3, 33, 40, 3), **IMAGENET),
        "wideresnet-16-1": training_golden(WideResNet(16, 1), (2, 7, 8, 3), **CIFAR10),
    },
)
