"""A contestant of augment.ts: albumentations on OpenCV, one thread. Arguments: case, file of pictures, side, count."""

import sys

import albumentations as A
import cv2
import numpy as np
from contest import contest

cv2.setNumThreads(1)

CASES = {
    "character-classifier": [
        A.RandomResizedCrop((224, 224), scale=(0.08, 1), ratio=(3 / 4, 4 / 3)), A.HorizontalFlip(),
        A.Rotate(15, interpolation=cv2.INTER_NEAREST, p=1), A.ColorJitter(0.3, 0.3, 0.3, 0.1, p=1),
        A.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
    "cifar10": [
        A.Pad(4), A.RandomCrop(32, 32), A.HorizontalFlip(),
        A.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    ],
}  # fmt: skip

name, file, side, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
transform = A.Compose(CASES[name])
pictures = np.fromfile(file, np.uint8).reshape(count, side, side, 3)


def run():
    for picture in pictures:
        transform(image=picture)


contest(run, f"albumentations {A.__version__}, OpenCV {cv2.__version__}")
