import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

await tf.setBackend('onednn');
let x = tf.fill([700, 700], 1 / 700);
for (let i = 0; i < 200; i++) x = tf.matMul(x, x);
void x.data();
process.stdout.write('enqueued\n');
setTimeout(() => process.exit(7), 5);
