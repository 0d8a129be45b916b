// Takes the best backend and trains a convolution on it; prints the choice, what keeps onednn from being it, the losses.
import { chooseBackend } from '@proj/backends';
import * as tf from '@tensorflow/tfjs';

const { backend, reasons } = await chooseBackend();
const onednn = await chooseBackend({ backend: 'onednn' }).catch(({ code, received }) => ({ code, received }));
const images = tf.ones([2, 8, 8, 1]);
const filter = tf.variable(tf.fill([3, 3, 1, 4], 0.5));
const loss = () => tf.conv2d(images, filter, 1, 'same').square().mean();
const optimizer = tf.train.sgd(0.01);
const losses = Array.from({ length: 3 }, () => optimizer.minimize(loss, true).dataSync()[0]);
process.stdout.write(JSON.stringify({ backend, active: tf.getBackend(), reasons, onednn, losses }));
