export { imageNet } from '@proj/models-core';
export { type EfficientNetOptions, efficientnetB0 } from './efficientnet.js';
