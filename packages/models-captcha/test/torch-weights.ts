import * as tf from '@tensorflow/tfjs';

/** `count` numbers in [-1, 1), the same as `hashed` of `goldens/make_captcha_models.py` makes. */
export function hashed(text: string, count: number): Float32Array {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) seed = Math.imul(seed ^ byte, 0x01000193);
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let h = (i + seed) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    numbers[i] = ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
  }
  return numbers;
}

/** The hashed weights of a PyTorch tensor, as `fill` of the Python script sets them. */
function torchTensor(name: string, shape: readonly number[]): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const unit = hashed(name, size);
  if (shape.length > 1) {
    const bound = Math.fround(Math.sqrt(6 / (size / shape[0]!)));
    return unit.map((x) => x * bound);
  }
  return /\.(weight|running_var)$/.test(name) ? unit.map((x) => x * 0.5 + 1) : unit.map((x) => x * 0.25);
}

const partOf: Record<string, string> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/**
 * Sets every weight of `model` to PyTorch's of the same layer name, moved to TensorFlow's order of dimensions. The dense
 * layer called `afterFlatten` saw `[C, H, W]` in PyTorch and sees `[H, W, C]` here.
 *
 * @returns the names of the PyTorch tensors that were used.
 */
export function loadTorchWeights(
  model: tf.LayersModel,
  tensors: Readonly<Record<string, readonly number[]>>,
  afterFlatten?: string,
): string[] {
  return model.weights.map((weight) => {
    const [layerName, part] = weight.originalName.split('/') as [string, string];
    const name = `${layerName}.${partOf[part]}`;
    const shape = tensors[name];
    if (shape === undefined) throw new Error(`PyTorch has no ${name}`);
    tf.tidy(() => {
      const values = tf.tensor(torchTensor(name, shape), [...shape]);
      if (shape.length === 4)
        weight.write(values.transpose([2, 3, 1, 0])); // [O, I, h, w] -> [h, w, I, O]
      else if (shape.length === 1) weight.write(values);
      else if (layerName !== afterFlatten)
        weight.write(values.transpose()); // [O, I] -> [I, O]
      else {
        const [height, width, channels] = (model.getLayer('flatten').input as tf.SymbolicTensor).shape.slice(1);
        const maps = values.reshape([shape[0]!, channels!, height!, width!]); // [O, C, H, W]
        weight.write(maps.transpose([2, 3, 1, 0]).reshape([-1, shape[0]!])); // [H * W * C, O]
      }
    });
    return name;
  });
}
