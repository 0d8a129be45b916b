"""A contestant of augment.ts: torchvision on Pillow or Pillow-SIMD, one thread. Arguments: case, file of pictures, side, count."""

import sys

import numpy as np
import PIL
import torch
import torchvision
from contest import contest
from PIL import Image
from torchvision import transforms as T

torch.set_num_threads(1)

CASES = {
    "character-classifier": [
        T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.RandomRotation(15), T.ColorJitter(0.3, 0.3, 0.3, 0.1),
        T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ],
    "cifar10": [
        T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(),
        T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    ],
}  # fmt: skip

name, file, side, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
transform = T.Compose(CASES[name])
pictures = [Image.fromarray(picture) for picture in np.fromfile(file, np.uint8).reshape(count, side, side, 3)]


def run():
    for picture in pictures:
        transform(picture)


pillow = "Pillow-SIMD" if ".post" in PIL.__version__ else "Pillow"
contest(run, f"torchvision {torchvision.__version__}, {pillow} {PIL.__version__}")
