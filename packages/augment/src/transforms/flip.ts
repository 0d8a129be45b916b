import { flipHorizontally, flipVertically } from '../kernels/move.js';
import { defineTransform } from '../transform.js';
import type { NoParams } from './pad.js';

export interface ProbabilityOptions {
  /** How likely it is applied at all. */
  readonly p?: number | undefined;
}

/** Mirrors left and right with probability `p` (default 0.5); torchvision's `RandomHorizontalFlip`. */
export const randomHorizontalFlip = defineTransform<ProbabilityOptions, NoParams>(
  'randomHorizontalFlip',
  { p: 0.5 },
  () => ({ sample: () => ({}), apply: flipHorizontally }),
);

/** Mirrors top and bottom with probability `p` (default 0.5); torchvision's `RandomVerticalFlip`. */
export const randomVerticalFlip = defineTransform<ProbabilityOptions, NoParams>(
  'randomVerticalFlip',
  { p: 0.5 },
  () => ({ sample: () => ({}), apply: flipVertically }),
);
