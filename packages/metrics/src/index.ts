export { type AccuracyOptions, type AccuracyState, accuracy } from './accuracy.js';
export {
  type ConfusedPair,
  type Confusion,
  type ConfusionMatrixOptions,
  type ConfusionState,
  confusionMatrix,
  type Normalize,
  topConfusions,
} from './confusion.js';
export {
  type MeanLossOptions,
  type MeanState,
  mean,
  meanLoss,
  type WeightedValue,
} from './means.js';
export type { DetailedMetric, IgnoreOptions, LogitsBatch, Metric } from './metric.js';
export {
  charAccuracy,
  exactMatch,
  type PositionState,
  perPositionAccuracy,
  type ShareState,
} from './positions.js';
export { predictedClasses } from './rows.js';
export { characterErrorRate, type ErrorRateState, editDistance, type TextBatch, wordErrorRate } from './text.js';
