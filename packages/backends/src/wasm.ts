import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { registerWasmGradients } from './wasm-gradients/register.js';

/**
 * Makes tfjs's wasm backend the active one, with its binary from the installed package and the gradients that it lacks.
 * Returns its version.
 *
 * @throws Error when the module does not start.
 */
export async function activateWasm(): Promise<string> {
  registerWasmGradients();
  if (tf.engine().registry.wasm === undefined) {
    setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  }
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs cannot start its backend "wasm"');
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ', SIMD' : '';
  return `tfjs-backend-wasm ${version_wasm}${simd}`;
}
