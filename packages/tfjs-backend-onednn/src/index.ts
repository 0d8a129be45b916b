import * as tf from '@tensorflow/tfjs';
import { OnednnBackend } from './backend.js';
import { fuseDropout } from './dropout.js';
import { registerFallbacks } from './fallback.js';
import { fuseLayers } from './fused-layers.js';
import { releaseGradientsEarly } from './gradients.js';
import { registerKernels } from './kernels/index.js';
import { BACKEND } from './kernels/register.js';
import { isAvailable } from './load-addon.js';
import { fuseLstm } from './lstm.js';
import { repeatNatively } from './reduce-gradients.js';
import { fuseSilu } from './silu.js';

export { OnednnBackend } from './backend.js';
export { dropout } from './dropout.js';
export { fallbackCalls, resetFallbackCalls } from './fallback.js';
export { batchNormTrain } from './fused-layers.js';
export type { DropoutAttrs } from './kernels/dropout.js';
export type { LstmAttrs } from './kernels/lstm.js';
export type {
  BatchNormTrainAttrs,
  BatchNormTrainGradInputs,
  BatchNormTrainInputs,
  MoveAveragesAttrs,
  MoveAveragesInputs,
} from './kernels/normalize.js';
export type {
  AdamWUpdateAttrs,
  AdamWUpdateInputs,
  SgdUpdateAttrs,
  SgdUpdateInputs,
} from './kernels/optimizer.js';
export { nativeCalls, resetNativeCalls } from './kernels/register.js';
export type { AddonInfo } from './load-addon.js';
export { isAvailable } from './load-addon.js';
export { type LstmInputs, lstm } from './lstm.js';
export { autocast, getPrecision, type Precision, setPrecision } from './precision.js';
export { type OperationTime, profile, resetProfile } from './profile.js';
export { silu } from './silu.js';
export type { TensorSpec } from './storage.js';
export { type Traced, trace } from './trace.js';

/** Above wasm (2) and cpu (1), so that tfjs chooses this backend unless told otherwise. */
const PRIORITY = 4;

// Importing the package is what makes the backend known, as with tfjs's own. Where the addon does not load, tfjs chooses
// it after all others; asked for by name it fails with the ways out, which `isAvailable` gives too.
if (tf.findBackendFactory(BACKEND) == null) {
  const { available } = isAvailable();
  tf.registerBackend(BACKEND, () => new OnednnBackend(), available ? PRIORITY : 0);
  if (available) {
    registerKernels();
    registerFallbacks(BACKEND);
    fuseLayers();
    fuseDropout();
    fuseLstm();
    fuseSilu();
    repeatNatively();
    releaseGradientsEarly();
  }
}
