import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

// A traced function that does not fit leaves nothing behind and assigns nothing: neither when it is recorded nor when what was
// recorded is repeated. Once there is room again it goes on.
await tf.setBackend('onednn');
const count = tf.tidy(() => tf.variable(tf.scalar(0)));
const filter = tf.fill([3, 3, 3, 8], 0.01);
const traced = trace((x) => {
  count.assign(count.add(1));
  return [x.conv2d(filter, 1, 'same').square().neg(), count.mul(10)];
});
const say = (text) => process.stdout.write(`${text}\n`);

/** A call with a batch, and what it leaves behind beside its result. */
function attempt(batch) {
  const x = tf.ones([batch, 32, 32, 3]);
  const live = () => [tf.memory().numTensors, tf.backend().nativeMemory().liveBytes];
  const before = live();
  try {
    const results = traced(x);
    const [map, ten] = results;
    say(tf.tidy(() => `${map.min().dataSync()[0].toFixed(4)} ${ten.dataSync()[0]}`));
    tf.dispose(results);
  } catch (error) {
    say(`${error.code}: ${error.message.split('\n')[0]}`);
    say(`left over: ${live().map((now, i) => now - before[i])}; count ${count.dataSync()[0]}`);
  }
  x.dispose();
}

attempt(1500); // maps of 49 MB each
const afterRecording = count.dataSync()[0];
for (let i = 0; i < 3; i++) attempt(300); // 10 MB
const hogs = [];
try {
  for (;;) hogs.push(tf.fill([1_000_000], 1));
} catch {
  hogs.pop().dispose(); // Room for the input.
}
attempt(300);
tf.dispose(hogs);
attempt(300);
say(`assigned ${count.dataSync()[0] - afterRecording} times`);
