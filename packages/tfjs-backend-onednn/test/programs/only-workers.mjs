import { isMainThread, Worker } from 'node:worker_threads';

// The main thread never loads the addon, so each worker is the last to have it loaded when it ends.
if (isMainThread) {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.stdout.write('main goes on\n');
} else {
  const tf = await import('@tensorflow/tfjs');
  await import('@proj/tfjs-backend-onednn');
  await tf.setBackend('onednn');
  let x = tf.fill([300, 300], 1 / 300);
  for (let i = 0; i < 50; i++) x = tf.matMul(x, x);
  process.stdout.write(`${x.sum().dataSync()[0].toFixed(3)}\n`);
  for (let i = 0; i < 50; i++) x = tf.matMul(x, x);
}
