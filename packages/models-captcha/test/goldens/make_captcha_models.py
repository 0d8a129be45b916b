"""Parameter counts and logits of the captcha models in PyTorch, written to captcha_models.json.

v1, v2 and v3 are the report's modules word for word but for the input channels as an argument; v4 is the same network
as src/v4.ts, padded as TensorFlow's 'same' does.

Ran on: Python 3.11.7, torch 2.13.0+cpu, numpy 2.4.6. Usage: python make_captcha_models.py
"""

import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "models-core/test/goldens"))
from torch_goldens import forward_golden, trainable, write  # noqa: E402

NUM_CHARS = 62


class V1(nn.Module):
    def __init__(self, num_chars, channels):
        super().__init__()
        self.num_chars = num_chars
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(128, 256, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(256 * 8 * 8, 1024)
        self.fc2 = nn.Linear(1024, self.num_chars * 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = self.pool(F.relu(self.conv3(x)))
        x = self.pool(F.relu(self.conv4(x)))
        x = x.view(-1, 256 * 8 * 8)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return x.view(x.size(0), 4, self.num_chars)


class V2(nn.Module):
    def __init__(self, num_chars, channels):
        super().__init__()
        self.num_chars = num_chars
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3, padding=1)
        self.bn3 = nn.BatchNorm2d(128)
        self.conv4 = nn.Conv2d(128, 256, kernel_size=3, padding=1)
        self.bn4 = nn.BatchNorm2d(256)
        self.conv5 = nn.Conv2d(256, 512, kernel_size=3, padding=1)
        self.bn5 = nn.BatchNorm2d(512)
        self.pool = nn.MaxPool2d(2, 2)
        self.adaptive_pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc1 = nn.Linear(512, 1024)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(1024, self.num_chars * 4)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(F.relu(self.bn2(self.conv2(x))))
        x = self.pool(F.relu(self.bn3(self.conv3(x))))
        x = self.pool(F.relu(self.bn4(self.conv4(x))))
        x = self.adaptive_pool(F.relu(self.bn5(self.conv5(x))))
        x = x.view(-1, 512)
        x = F.relu(self.fc1(x))
        x = self.dropout(x)
        x = self.fc2(x)
        return x.view(x.size(0), 4, self.num_chars)


class ResidualBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        out = F.relu(out)
        return out


class V3(nn.Module):
    def __init__(self, num_chars, channels):
        super().__init__()
        self.num_chars = num_chars
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(32)
        self.pool = nn.MaxPool2d(2, 2)
        self.res_block1 = ResidualBlock(32, 64)
        self.res_block2 = ResidualBlock(64, 128)
        self.res_block3 = ResidualBlock(128, 256)
        self.res_block4 = ResidualBlock(256, 512)
        self.adaptive_pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc1 = nn.Linear(512, 1024)
        self.dropout = nn.Dropout(0.5)
        self.fc2 = nn.Linear(1024, self.num_chars * 4)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = self.pool(self.res_block1(x))
        x = self.pool(self.res_block2(x))
        x = self.pool(self.res_block3(x))
        x = self.adaptive_pool(self.res_block4(x))
        x = x.view(-1, 512)
        x = F.relu(self.fc1(x))
        x = self.dropout(x)
        x = self.fc2(x)
        return x.view(x.size(0), 4, self.num_chars)


class ConvNorm(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        if kernel_size == 1:
            self.padding = (0, 0, 0, 0)
        elif stride == 1:
            self.padding = (1, 1, 1, 1)
        else:
            self.padding = (0, 1, 0, 1)  # 'same' at even sides: nothing left and above, one right and below

    def forward(self, x):
        return self.bn(self.conv(F.pad(x, self.padding)))


class V4Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.add_module("1", ConvNorm(in_channels, out_channels, stride=stride))
        self.add_module("2", ConvNorm(out_channels, out_channels))
        self.shortcut = ConvNorm(in_channels, out_channels, kernel_size=1) if stride == 2 else None

    def forward(self, x):
        out = get(self, "2")(F.relu(get(self, "1")(x)))
        return F.relu(out + (x if self.shortcut is None else self.shortcut(F.avg_pool2d(x, 2))))


def get(module, name):
    return module._modules[name]


class V4(nn.Module):
    def __init__(self, num_chars, channels, last_map, width=16, blocks=(0, 1, 1, 1), stem_stride=2, columns=2):
        super().__init__()
        self.num_chars = num_chars
        self.stem = ConvNorm(channels, width, stride=stem_stride)
        before = width
        for stage, count in enumerate(blocks):
            module = nn.Module()
            for i in range(count):
                filters = width * 2**stage
                module.add_module(f"block{i + 1}", V4Block(before, filters, 2 if stage > 0 and i == 0 else 1))
                before = filters
            self.add_module(f"stage{stage + 1}", module)
        height, map_width = last_map
        self.align = nn.Linear(map_width, 4 * columns, bias=False)
        self.head = nn.Linear(columns * height * before, num_chars)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for stage in range(4):
            for block in get(self, f"stage{stage + 1}").children():
                x = block(x)
        x = self.align(x).permute(0, 3, 2, 1)  # [B, 4 * columns, height, C]
        return self.head(x.reshape(x.size(0), 4, -1))


write(
    __file__,
    trainable={
        "v1 grey": trainable(V1(NUM_CHARS, 1)),
        "v2 grey": trainable(V2(NUM_CHARS, 1)),
        "v3 colour": trainable(V3(NUM_CHARS, 3)),
    },
    models={
        "v1": forward_golden(V1(NUM_CHARS, 3), (1, 128, 128, 3)),
        "v2": forward_golden(V2(NUM_CHARS, 3), (2, 16, 48, 3)),
        "v3": forward_golden(V3(NUM_CHARS, 1), (2, 16, 48, 1)),
        "v4": forward_golden(V4(NUM_CHARS, 3, (4, 8)), (1, 64, 128, 3)),
        "v4 narrow": forward_golden(V4(NUM_CHARS, 1, (2, 6), 8, (1, 2, 1, 3), 1, 3), (2, 16, 48, 1)),
    },
)
