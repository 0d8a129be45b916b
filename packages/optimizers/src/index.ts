export { type AdamOptions, adam, adamW } from './adam.js';
export { clipByGlobalNorm } from './clip.js';
export { type EmaOptions, ema, type WeightAverage } from './ema.js';
export { type GroupOptions, noDecayOnBiasAndNorm, type ParameterGroup, type VariableInfo } from './groups.js';
export type { ApplyOptions, NamedGradients, NamedVariables, Optimizer, OptimizerState } from './optimizer.js';
export { type SgdOptions, sgd } from './sgd.js';
export { modelVariables } from './variables.js';
