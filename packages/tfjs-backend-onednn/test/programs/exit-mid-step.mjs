import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

// The process ends in the middle of products, convolutions or a replay of the main thread, or while a worker works. What waits
// is dropped, but for what a listener of the exit still reads.
const what = process.env.WORK;
await tf.setBackend('onednn');
const x = tf.fill([700, 700], 1 / 700);
const map = tf.fill([8, 64, 64, 32], 1);
const filter = tf.fill([1, 1, 32, 32], 1 / 32);

const work = {
  products: () => repeat(x, (y) => tf.matMul(y, x)),
  convolutions: () => repeat(map, (y) => tf.conv2d(y, filter, 1, 'same')),
  replay: trace((start) => repeat(start, (y) => tf.matMul(y, x))),
};

function repeat(start, f) {
  let y = f(start);
  for (let i = 0; i < 60; i++) {
    const next = f(y);
    y.dispose();
    y = next;
  }
  return y;
}

if (!isMainThread) {
  parentPort.postMessage('works');
  for (;;) work.products().dataSync();
} else if (what === 'worker') {
  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve) => worker.on('message', resolve));
} else {
  // The third call of a trace is a replay.
  for (let i = 0; i < 2 && what === 'replay'; i++) work[what](x).dispose();
  void work[what](x).data();
}
const small = tf.tensor([1, 2]).sum();
process.on('exit', () => what === 'products' || process.stdout.write(`${small.dataSync()}\n`));
setTimeout(() => process.exit(7), 5);
