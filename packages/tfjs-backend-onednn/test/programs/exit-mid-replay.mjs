import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('onednn');
const products = trace((x) => {
  let y = x;
  for (let i = 0; i < 100; i++) y = tf.matMul(y, x);
  return y;
});
const x = tf.fill([700, 700], 1 / 700);
for (let i = 0; i < 2; i++) products(x).dispose();
tf.backend().sync();
const result = products(x);
void result.data();
process.stdout.write('replayed\n');
setTimeout(() => process.exit(7), 5);
