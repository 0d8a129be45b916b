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
  const x = tf.fill([512, 512], 1 / 512);
  const [value] = tf.matMul(x, x).sum().dataSync();
  process.stdout.write(`${value.toFixed(3)}\n`);
  for (let i = 0; i < 50; i++) tf.matMul(x, x);
}
