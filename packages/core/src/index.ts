export type { Batch, BatchLoader, NdArray } from './batch.js';
export { isProjError, ProjError, type ProjErrorFields } from './error.js';
export { createImage, type FloatImage, type Image } from './image.js';
export { checkOptionNames } from './option-names.js';
export { Rng, type RngKey, type RngState } from './rng.js';
export { decodeSafetensors, encodeSafetensors } from './safetensors.js';
