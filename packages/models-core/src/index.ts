export {
  assertInputShape,
  assertOption,
  type ClassifierMetadata,
  type ClassifierOptions,
  type ClassifierTask,
  cifar10,
  classifierModel,
  classifierTask,
  imageNet,
  type Normalization,
  normalizedPixels,
} from './classifier.js';
export { countMacs, type MacCount } from './count-macs.js';
export {
  type Activation,
  activation,
  add,
  type ConvOptions,
  type DenseOptions,
  type Draw,
  dropout,
  globalAveragePool,
  kaimingFanOut,
  maxPool,
  relu,
  type TorchLayers,
  torchLayers,
} from './torch-layers.js';
