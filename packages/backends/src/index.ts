export type { BackendName } from './candidates.js';
export { BACKENDS } from './candidates.js';
export {
  type BackendChoice,
  type ChooseOptions,
  chooseBackend,
  describeChoice,
  type Unavailable,
} from './choose.js';
export { registerWasmGradients } from './wasm-gradients/register.js';
