export { join, scale, warmup } from './compose.js';
export { cosineWarmRestarts, cyclic, oneCycle } from './cycles.js';
export { constant, cosine, exponential, linear, multiStep, polynomial, step } from './decays.js';
export { fromJSON } from './from-json.js';
export {
  type Plateau,
  type PlateauChange,
  type PlateauOptions,
  type PlateauSettings,
  type PlateauState,
  plateau,
} from './plateau.js';
export type {
  Anneal,
  ConstantOptions,
  CosineOptions,
  CosineWarmRestartsOptions,
  CyclicMode,
  CyclicOptions,
  ExponentialOptions,
  JoinPart,
  LinearOptions,
  MultiStepOptions,
  OneCycleOptions,
  PolynomialOptions,
  Schedule,
  ScheduleJson,
  StepOptions,
  WarmupIntoOptions,
  WarmupOptions,
  WarmupToOptions,
} from './schedule.js';
