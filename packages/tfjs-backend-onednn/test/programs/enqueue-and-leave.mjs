import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

await tf.setBackend('onednn');
let x = tf.fill([700, 700], 1 / 700);
for (let i = 0; i < 50; i++) x = tf.matMul(x, x);
process.stdout.write('left\n');
