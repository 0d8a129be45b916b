export {
  brightness,
  contrast,
  type FactorOptions,
  type FactorParams,
  type GammaOptions,
  gamma,
  hue,
  saturation,
} from './adjust.js';
export {
  type AffineParams,
  type Point,
  type RandomAffineOptions,
  type RandomRotationOptions,
  type RotationParams,
  randomAffine,
  randomRotation,
  type WarpingOptions,
} from './affine.js';
export {
  type GaussianBlurOptions,
  gaussianBlur,
  type JpegOptions,
  jpeg,
  type MotionBlurOptions,
  type MotionBlurParams,
  motionBlur,
} from './blur.js';
export { type ColorJitterOptions, type ColorJitterParams, colorJitter } from './color-jitter.js';
export {
  type CenterCropOptions,
  centerCrop,
  type RandomCropOptions,
  type RandomResizedCropOptions,
  randomCrop,
  randomResizedCrop,
  type Size,
} from './crop.js';
export {
  type ElasticParams,
  type ElasticTransformOptions,
  elasticTransform,
  type GridDistortionOptions,
  type GridParams,
  gridDistortion,
} from './distortion.js';
export { type CutoutOptions, cutout, type ErasingParams, type RandomErasingOptions, randomErasing } from './erase.js';
export { type ProbabilityOptions, randomHorizontalFlip, randomVerticalFlip } from './flip.js';
export {
  type GaussianNoiseOptions,
  gaussianNoise,
  type IsoNoiseOptions,
  type IsoNoiseParams,
  isoNoise,
  randomChannelPermutation,
  type SaltAndPepperOptions,
  type SaltAndPepperParams,
  saltAndPepper,
} from './noise.js';
export {
  cifar10Statistics,
  imagenetStatistics,
  type NormalizeOptions,
  normalize,
  type StandardizeOptions,
  standardize,
} from './normalize.js';
export { type NoParams, type Padding, type PadOptions, type PadToSquareOptions, pad, padToSquare } from './pad.js';
export {
  type Corners,
  type PerspectiveParams,
  type RandomPerspectiveOptions,
  randomPerspective,
} from './perspective.js';
export { type ResizeOptions, resize } from './resize.js';
export {
  type GrayscaleOptions,
  grayscale,
  type RandomAdjustSharpnessOptions,
  type RandomPosterizeOptions,
  type RandomSolarizeOptions,
  randomAdjustSharpness,
  randomAutocontrast,
  randomEqualize,
  randomGrayscale,
  randomInvert,
  randomPosterize,
  randomSolarize,
} from './tone.js';
