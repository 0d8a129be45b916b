"""The benchmarks' models in PyTorch, by the names of ../support/models.ts and with the same layers.

ResNet-34 is torchvision's, with the stem of the report on 60x200 captchas; WideResNet-28-10 is that of Zagoruyko and
Komodakis; EfficientNet-B0 is timm's; v4 is the one whose logits its package's goldens hold.
"""

import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "packages/models-captcha/test/goldens"))


def conv_norm(inputs, outputs, kernel, stride=1, groups=1, activation=None):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation] if activation else []))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride, activation=nn.ReLU(inplace=True))
        self.second = conv_norm(outputs, outputs, 3)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x), inplace=True)


def resnet34(outputs=378):
    layers = [conv_norm(3, 64, 7, 2, activation=nn.ReLU(inplace=True)), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for i in range(blocks):
            wide = 64 * 2**stage
            layers.append(BasicBlock(channels, wide, 2 if stage > 0 and i == 0 else 1))
            channels = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, outputs))


class PreActivationBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(self.norm1(x), inplace=True)
        shortcut = x if self.shortcut is None else self.shortcut(out)
        return self.conv2(F.relu(self.norm2(self.conv1(out)), inplace=True)) + shortcut


def wideresnet(outputs=10, depth=28, width=10):
    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for stage in range(3):
        for i in range((depth - 4) // 6):
            wide = 16 * width * 2**stage
            layers.append(PreActivationBlock(channels, wide, 2 if stage > 0 and i == 0 else 1))
            channels = wide
    last = [nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *last, nn.Linear(channels, outputs))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expand):
        super().__init__()
        hidden = inputs * expand
        self.expand = conv_norm(inputs, hidden, 1, activation=nn.SiLU(inplace=True)) if expand > 1 else nn.Identity()
        self.depthwise = conv_norm(hidden, hidden, kernel, stride, groups=hidden, activation=nn.SiLU(inplace=True))
        squeezed = max(1, inputs // 4)
        self.excite = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(hidden, squeezed, 1), nn.SiLU(inplace=True),
            nn.Conv2d(squeezed, hidden, 1), nn.Sigmoid(),
        )
        self.project = conv_norm(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        out = self.depthwise(self.expand(x))
        out = self.project(out * self.excite(out))
        return out + x if self.residual else out


def efficientnet(outputs=1000):
    layers, channels = [conv_norm(3, 32, 3, 2, activation=nn.SiLU(inplace=True))], 32
    stages = (
        (1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3), (6, 192, 5, 2, 4),
        (6, 320, 3, 1, 1),
    )
    for expand, wide, kernel, stride, blocks in stages:
        for i in range(blocks):
            layers.append(InvertedResidual(channels, wide, kernel, stride if i == 0 else 1, expand))
            channels = wide
    last = [conv_norm(channels, 1280, 1, activation=nn.SiLU(inplace=True)), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *last, nn.Linear(1280, outputs))


class Scaled(nn.Module):
    """Pixels 0..255 in, as our models take them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x / 255)


def v4():
    from make_captcha_models import V4

    return V4(62, 3, (4, 8))


# name: builder, (height, width, channels), labels of a picture, classes of each
MODELS = {
    "v4": (v4, (64, 128, 3), 4, 62),
    "resnet34": (resnet34, (60, 200, 3), 6, 63),
    "wideresnet": (wideresnet, (32, 32, 3), 1, 10),
    "efficientnet": (efficientnet, (224, 224, 3), 1, 1000),
}


def build(name):
    torch.manual_seed(1)
    return Scaled(MODELS[name][0]())
