import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { available } from './reference.js';

// A process of its own: tfjs counts the layers of the whole process.
it.skipIf(!available)(
  'the import takes no number from the names that tfjs gives to layers',
  { timeout: 60_000 },
  () => {
    const code = `
    import '@proj/tfjs-backend-onednn';
    import * as tf from '@tensorflow/tfjs';
    const layers = [tf.layers.batchNormalization(), tf.layers.dropout({ rate: 0.5 }), tf.layers.lstm({ units: 1 })];
    console.log(layers.map(({ name }) => name).join(' '));`;
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const stdout = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd, encoding: 'utf8' });
    expect(stdout.trim()).toMatch(/^batch_normalization_\D+1 dropout_\D+1 lstm_\D+1$/);
  },
);
