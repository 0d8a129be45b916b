import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

await tf.setBackend('onednn');
if (isMainThread) {
  // Gives pages back without end, while the worker frees tensors that its waiting calls still read.
  const worker = new Worker(new URL(import.meta.url));
  let wrong;
  worker.on('message', (message) => (wrong = message));
  while (wrong === undefined) {
    tf.backend().dispose();
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stdout.write(`${wrong} wrong\n`);
} else {
  const means = [];
  for (let i = 0; i < 1000; i++) means.push(tf.tidy(() => tf.fill([300_000], 1).add(1).mul(2).mean()));
  const values = means.map((mean) => mean.dataSync()[0]);
  parentPort.postMessage(values.filter((value) => value !== 4).length);
}
