export {
  compose,
  type OneOfOptions,
  oneOf,
  type RandomApplyOptions,
  randomApply,
  randomOrder,
  type SomeOfOptions,
  type StepParams,
  type StepsParams,
  someOf,
} from './compose.js';
export { type AnyImage, type Fill, type Shape, toBytes, toFloat } from './image.js';
export type { Subsampling } from './kernels/jpeg.js';
export type { PaddingMode } from './kernels/move.js';
export type { Box, ResizeInterpolation } from './kernels/resample.js';
export type { Interpolation } from './kernels/warp.js';
export {
  type BatchMix,
  type CutMixParams,
  cutMix,
  type LabelledBatch,
  type MixedBatch,
  type MixOptions,
  type MixUpParams,
  mixUp,
} from './mix.js';
export type { NumberOrRange } from './options.js';
export { pipeline, seeded } from './pipeline.js';
export { type AugMixOptions, type AugMixParams, augMix } from './policies/aug-mix.js';
export { type AutoAugmentOptions, type AutoAugmentPolicy, autoAugment } from './policies/auto-augment.js';
export type { Operation, OperationName } from './policies/operations.js';
export {
  type OperationsParams,
  type RandAugmentOptions,
  randAugment,
  type TrivialAugmentWideOptions,
  trivialAugmentWide,
} from './policies/random.js';
export { fromJSON, transformNames } from './registry.js';
export { type Drawing, run, type Transform, type TransformJson } from './transform.js';
export * from './transforms/index.js';
