import {
  cifar10Statistics,
  colorJitter,
  compose,
  imagenetStatistics,
  normalize,
  randomCrop,
  randomHorizontalFlip,
  randomResizedCrop,
  randomRotation,
  type Transform,
} from '@proj/augment';

/** A training transform of a report; `contestants/torchvision_augment.py` has the same ones by the same names. */
export interface AugmentCase {
  readonly transform: Transform;
  /** Sides of the pictures that go in. */
  readonly side: number;
  /** Pictures a call. */
  readonly count: number;
}

export const AUGMENT_CASES: Readonly<Record<string, AugmentCase>> = {
  'character-classifier': {
    transform: compose([
      randomResizedCrop({ size: 224 }),
      randomHorizontalFlip(),
      randomRotation({ degrees: 15 }),
      colorJitter({ brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.1 }),
      normalize(imagenetStatistics),
    ]),
    side: 256,
    count: 32,
  },
  cifar10: {
    transform: compose([randomCrop({ size: 32, padding: 4 }), randomHorizontalFlip(), normalize(cifar10Statistics)]),
    side: 32,
    count: 512,
  },
};
