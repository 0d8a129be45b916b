export { cifar10, imageNet } from '@proj/models-core';
export { resnetModels } from './registry.js';
export { type ResnetOptions, resnet18, resnet34 } from './resnet.js';
export { type WideResNetOptions, wideResNet } from './wide-resnet.js';
