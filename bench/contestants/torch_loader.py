"""A contestant of loader.ts: PyTorch's DataLoader with torchvision's transforms. Arguments: case, folder of the data, workers.

Batches are uint8, as ours: models of both sides scale pixels themselves.
"""

import pathlib
import sys
import types

# PyPI's torchvision is built for CUDA; beside a PyTorch for CPU alone its operators, which are not needed, do not load.
sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
import numpy as np
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from torch_contest import contest

BATCHES_A_CALL = 16  # as in ../support/loader-cases.ts
name, data, workers = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])


class Captchas(Dataset):
    def __init__(self):
        self.files = sorted(data.glob("*.png"))
        self.transform = v2.PILToTensor()

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with open(self.files[index], "rb") as file:
            image = Image.open(file).convert("RGB")
        label = self.files[index].stem.partition("_")[2]
        return self.transform(image), torch.tensor([ord(character) for character in label])


class Cifar10(Dataset):
    """As torchvision's CIFAR10: all pictures in memory, each made a PIL image before it is transformed."""

    def __init__(self):
        files = sorted(data.glob("*.bin"))
        records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 3073) for file in files])
        self.labels = records[:, 0].astype(np.int64)
        self.pictures = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy()
        self.transform = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.PILToTensor()])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.pictures[index])), self.labels[index]


dataset, batch = {"captcha-folder": (Captchas, 128), "cifar10": (Cifar10, 64)}[name]
loader = DataLoader(dataset(), batch, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=True)


def endless():
    while True:
        yield from loader


def load():
    for _ in range(BATCHES_A_CALL):
        next(batches)


batches = endless()
versions = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"
contest(load, f"{versions}, {workers} worker processes")
