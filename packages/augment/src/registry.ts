import { ProjError } from '@proj/core';
import { compose, oneOf, randomApply, randomOrder, someOf } from './compose.js';
import { augMix } from './policies/aug-mix.js';
import { autoAugment } from './policies/auto-augment.js';
import { randAugment, trivialAugmentWide } from './policies/random.js';
import type { Transform, TransformJson } from './transform.js';
import { brightness, contrast, gamma, hue, saturation } from './transforms/adjust.js';
import { randomAffine, randomRotation } from './transforms/affine.js';
import { gaussianBlur, jpeg, motionBlur } from './transforms/blur.js';
import { colorJitter } from './transforms/color-jitter.js';
import { centerCrop, randomCrop, randomResizedCrop } from './transforms/crop.js';
import { elasticTransform, gridDistortion } from './transforms/distortion.js';
import { cutout, randomErasing } from './transforms/erase.js';
import { randomHorizontalFlip, randomVerticalFlip } from './transforms/flip.js';
import { gaussianNoise, isoNoise, randomChannelPermutation, saltAndPepper } from './transforms/noise.js';
import { normalize, standardize } from './transforms/normalize.js';
import { pad, padToSquare } from './transforms/pad.js';
import { randomPerspective } from './transforms/perspective.js';
import { resize } from './transforms/resize.js';
import {
  grayscale,
  randomAdjustSharpness,
  randomAutocontrast,
  randomEqualize,
  randomGrayscale,
  randomInvert,
  randomPosterize,
  randomSolarize,
} from './transforms/tone.js';

/** All that JSON can name. */
const transforms = {
  pad,
  padToSquare,
  resize,
  centerCrop,
  randomCrop,
  randomResizedCrop,
  randomHorizontalFlip,
  randomVerticalFlip,
  randomRotation,
  randomAffine,
  randomPerspective,
  elasticTransform,
  gridDistortion,
  colorJitter,
  brightness,
  contrast,
  saturation,
  hue,
  gamma,
  grayscale,
  randomGrayscale,
  randomInvert,
  randomPosterize,
  randomSolarize,
  randomEqualize,
  randomAutocontrast,
  randomAdjustSharpness,
  gaussianBlur,
  motionBlur,
  jpeg,
  gaussianNoise,
  isoNoise,
  saltAndPepper,
  randomChannelPermutation,
  randomErasing,
  cutout,
  normalize,
  standardize,
  randAugment,
  trivialAugmentWide,
  autoAugment,
  augMix,
};

const compositions = { compose, randomApply, randomOrder, oneOf, someOf };

/** The names that {@link fromJSON} knows. */
export const transformNames: readonly string[] = [...Object.keys(transforms), ...Object.keys(compositions)];

/**
 * Makes a transform of what its `toJSON` gave, or of what was written by hand: `{ name, ...options }`, where a composition has
 * `transforms` besides; a list stands for `compose`.
 *
 * @throws ProjError `invalid-pipeline`, `unknown-transform`, and what the transform itself says of its options.
 */
export function fromJSON(json: TransformJson | readonly TransformJson[]): Transform {
  if (Array.isArray(json)) return compose(json.map(fromJSON));
  const { name, transforms: parts, ...options } = (json ?? {}) as TransformJson;
  if (typeof json !== 'object' || typeof name !== 'string') throw notPipeline(json);
  if (Object.hasOwn(compositions, name)) {
    if (!Array.isArray(parts)) throw notPipeline(json);
    return compositions[name as keyof typeof compositions](parts.map(fromJSON), options);
  }
  if (!Object.hasOwn(transforms, name)) {
    throw new ProjError(`Unknown transform \`${name}\``, {
      code: 'unknown-transform',
      expected: `one of ${transformNames.join(', ')}`,
      received: name,
    });
  }
  // What only a composition may have is an unknown option to others.
  const given = parts === undefined ? options : { ...options, transforms: parts };
  return (transforms[name as keyof typeof transforms] as (options: object) => Transform)(given);
}

function notPipeline(json: unknown): ProjError {
  return new ProjError('This is no transform', {
    code: 'invalid-pipeline',
    expected: '`{ "name": ..., ...options }`, with a list `transforms` for a composition, or a list of these',
    received: (JSON.stringify(json) ?? String(json)).slice(0, 200),
  });
}
