import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** What `torch_goldens.py` writes of a network in inference mode. */
export interface ForwardGolden {
  readonly inputShape: readonly [batch: number, height: number, width: number, channels: number];
  /** Shape of each tensor of the state dict. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly trainable: number;
  readonly logits: readonly number[];
}

/** And of one training step's gradients. */
export interface TrainingGolden extends ForwardGolden {
  /** Mean softmax cross-entropy in training mode with {@link labels}. */
  readonly loss: number;
  /** Of each trained tensor its gradient's L2 norm, its sum weighted by {@link hashed} numbers, PyTorch's float32 error. */
  readonly gradients: Readonly<Record<string, readonly [norm: number, weightedSum: number, float32Error: number]>>;
  /** Of each running mean its weighted sum after the step. */
  readonly runningMeans: Readonly<Record<string, number>>;
}

/** `count` numbers in [-1, 1), the same as `hashed` of `goldens/torch_goldens.py` makes. */
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

/** Whole pixel values 0..255, as `pictures` of the Python module makes them. */
export function pictures(shape: readonly number[]): tf.Tensor {
  const values = hashed('pictures', tf.util.sizeFromShape([...shape])).map((x) => Math.floor((x + 1) * 128));
  return tf.tensor(values, [...shape]);
}

/** The class of each picture of a training golden. */
export function labels(batch: number, numClasses: number): number[] {
  return Array.from({ length: batch }, (_, i) => (7 * i + 1) % numClasses);
}

/** The hashed weights of a PyTorch tensor, as `fill` of the Python module sets them. */
function torchTensor(name: string, shape: readonly number[]): Float32Array {
  const size = tf.util.sizeFromShape([...shape]);
  const unit = hashed(name, size);
  if (shape.length > 1) {
    const bound = Math.fround(Math.sqrt(6 / (size / shape[0]!)));
    return unit.map((x) => x * bound);
  }
  return /\.(weight|running_var)$/.test(name) ? unit.map((x) => x * 0.5 + 1) : unit.map((x) => x * 0.25);
}

const partOf: Record<string, string> = {
  kernel: 'weight',
  depthwise_kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

function torchName(weight: tf.LayerVariable): string {
  const [layerName, part] = weight.originalName.split('/') as [string, string];
  return `${layerName}.${partOf[part]}`;
}

/** Numbers in PyTorch's order of dimensions, moved to those of `weight`: `[O, I, h, w] -> [h, w, I, O]`. */
function moved(weight: tf.LayerVariable, values: Float32Array, shape: readonly number[]): tf.Tensor {
  const [outputs, inputs = 1, ...kernel] = shape as [number, ...number[]];
  const pixels = tf.util.sizeFromShape(kernel);
  // The plain JS backend's own transpose takes seconds for tens of millions of numbers.
  const numbers = new Float32Array(values.length);
  for (let o = 0, from = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let pixel = 0; pixel < pixels; pixel++) numbers[(pixel * inputs + i) * outputs + o] = values[from++]!;
  return tf.tensor(numbers, weight.shape as number[]); // a depthwise kernel's [C, 1, h, w] -> [h, w, C, 1] is the same
}

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
  return (model.weights as unknown as tf.LayerVariable[]).map((weight) => {
    const name = torchName(weight);
    const shape = tensors[name];
    if (shape === undefined) throw new Error(`PyTorch has no ${name}`);
    tf.tidy(() => {
      const values = torchTensor(name, shape);
      if (name !== `${afterFlatten}.weight`) {
        weight.write(moved(weight, values, shape));
        return;
      }
      const [height, width, channels] = (model.getLayer('flatten').input as tf.SymbolicTensor).shape.slice(1);
      const maps = tf.tensor(values, [shape[0]!, channels!, height!, width!]); // [O, C, H, W]
      weight.write(maps.transpose([2, 3, 1, 0]).reshape([-1, shape[0]!])); // [H * W * C, O]
    });
    return name;
  });
}

export function countTrainable(model: tf.LayersModel): number {
  return model.trainableWeights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0);
}

/** Same tensors by name and size, and from the same weights the same logits but for `tolerance` times the largest. */
export function expectSameNetwork(
  model: tf.LayersModel,
  { inputShape, tensors, trainable, logits: reference }: ForwardGolden,
  { tolerance, afterFlatten }: { readonly tolerance: number; readonly afterFlatten?: string | undefined },
): void {
  expect(countTrainable(model)).toBe(trainable);
  expect(loadTorchWeights(model, tensors, afterFlatten).sort()).toEqual(Object.keys(tensors).sort());
  tf.tidy(() => {
    const logits = model.apply(pictures(inputShape)) as tf.Tensor;
    expect(logits.size).toBe(reference.length);
    const values = logits.dataSync();
    const largest = Math.max(...reference.map(Math.abs));
    const difference = Math.max(...reference.map((expected, i) => Math.abs(values[i]! - expected)));
    expect(difference / largest).toBeLessThan(tolerance);
  });
}

/**
 * From the same weights the same loss in training mode, the same gradients and running means, each but for `tolerance` times
 * its size.
 */
export function expectSameTraining(
  model: tf.LayersModel,
  { inputShape, tensors, loss, gradients, runningMeans }: TrainingGolden,
  { tolerance }: { readonly tolerance: number },
): void {
  loadTorchWeights(model, tensors);
  const weights = model.weights as unknown as tf.LayerVariable[];
  const weightedSum = (weight: tf.LayerVariable, value: tf.Tensor) => {
    const name = torchName(weight);
    const shape = tensors[name]!;
    const factors = moved(weight, hashed(`${name} of the sum`, value.size), shape).dataSync();
    return value.dataSync<'float32'>().reduce((sum, x, i) => sum + x * factors[i]!, 0);
  };
  tf.tidy(() => {
    const [batch] = inputShape;
    const numClasses = model.outputShape.at(-1) as number;
    const x = pictures(inputShape);
    const y = tf.oneHot(tf.tensor1d(labels(batch, numClasses), 'int32'), numClasses); // [B, numClasses]
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { value, grads } = tf.variableGrads(
      () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor).asScalar(),
      variables,
    );
    expect(Math.abs(value.dataSync()[0]! / loss - 1)).toBeLessThan(tolerance);

    const trained = weights.filter(({ trainable }) => trainable);
    expect(trained.map(torchName).sort()).toEqual(Object.keys(gradients).sort());
    for (const weight of trained) {
      const name = torchName(weight);
      const [norm, sum, float32Error] = gradients[name]!;
      // Where float32 itself loses digits, another order of summation loses others.
      const allowed = Math.max(tolerance, 2 * float32Error);
      const gradient = grads[(weight.read() as tf.Variable).name]!;
      const ownNorm = Math.sqrt(gradient.dataSync<'float32'>().reduce((squares, x) => squares + x * x, 0));
      // A shift in front of a batch normalisation has no gradient but rounding's.
      const size = norm > 1e-9 ? norm : 1;
      expect(Math.abs(ownNorm - norm) / size, `norm of the gradient of ${name}`).toBeLessThan(allowed);
      expect(Math.abs(weightedSum(weight, gradient) - sum) / size, `gradient of ${name}`).toBeLessThan(allowed);
    }

    const means = weights.filter(({ originalName }) => originalName.endsWith('/moving_mean'));
    expect(means.map(torchName).sort()).toEqual(Object.keys(runningMeans).sort());
    for (const weight of means) {
      const expected = runningMeans[torchName(weight)]!;
      const size = Math.max(1, Math.abs(expected));
      expect(Math.abs(weightedSum(weight, weight.read()) - expected) / size).toBeLessThan(tolerance);
    }
  });
}
