import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProjError } from '@proj/core';
import { captchaV4 } from '@proj/models-captcha';
import { efficientnetB0 } from '@proj/models-efficientnet';
import { resnet18, wideResNet } from '@proj/models-resnet';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { buildWithWeights } from '../support/models.js';
import { decodeOnnx, type OnnxModel } from '../support/onnx-graph.js';
import { loadOnnxruntime, openSession, presentOnnxruntime } from '../support/onnxruntime.js';
import { pictures } from '../support/pictures.js';
import { toOnnx } from '../support/to-onnx.js';

const PICTURES = 2;

/** Every layer that there is ONNX for, with settings that the repository's models leave at their defaults. */
function everyLayer(): tf.LayersModel {
  const { layers } = tf;
  const input = tf.input({ shape: [13, 18, 3], name: 'pixels' });
  const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
    layer.apply(x) as tf.SymbolicTensor;
  let x = apply(layers.rescaling({ scale: [0.1, 0.2, 0.3] as unknown as number, offset: -1 }), input);
  x = apply(layers.conv2d({ filters: 8, kernelSize: [3, 5], strides: [2, 1], padding: 'same' }), x);
  x = apply(layers.maxPooling2d({ poolSize: 2, strides: 1, padding: 'same' }), x);
  x = apply(
    layers.zeroPadding2d({
      padding: [
        [0, 1],
        [2, 1],
      ],
    }),
    x,
  );
  x = apply(layers.maxPooling2d({ poolSize: 3, strides: 2 }), x); // zeros above what is negative
  x = apply(layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', activation: 'swish' }), x);
  x = apply(layers.batchNormalization({ scale: false, epsilon: 1e-2 }), x);
  x = apply(layers.zeroPadding2d({ padding: 1 }), x);
  x = apply(layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }), x);
  x = apply(layers.conv2d({ filters: 8, kernelSize: 3, dilationRate: 2, padding: 'same', useBias: false }), x);
  const gate = apply(layers.dense({ units: 8, activation: 'sigmoid' }), x); // over the channels of a map
  x = apply(layers.multiply(), [apply(layers.reLU(), x), gate, gate]);
  const mean = apply(layers.globalAveragePooling2d({}), x);
  const columns = apply(layers.flatten(), apply(layers.permute({ dims: [2, 3, 1] }), x));
  x = apply(layers.dense({ units: 8, activation: 'relu' }), apply(layers.dropout({ rate: 0.5 }), columns));
  x = apply(layers.batchNormalization({ center: false }), x);
  x = apply(layers.activation({ activation: 'linear' }), apply(layers.add(), [x, mean]));
  return tf.model({ inputs: input, outputs: apply(layers.reshape({ targetShape: [2, 4], name: 'logits' }), x) });
}

const MODELS: Readonly<Record<string, () => tf.LayersModel>> = {
  'every layer': everyLayer,
  'captcha v4': () => captchaV4({ width: 4 }),
  'ResNet-18': () => resnet18({ inputShape: [40, 56, 3], width: 8, numClasses: 10 }),
  WideResNet: () => wideResNet({ depth: 10, widenFactor: 1 }),
  'EfficientNet-B0': () => efficientnetB0({ inputShape: [64, 64, 3], widthMultiplier: 0.25, numClasses: 10 }),
};

const operators = ({ graph }: OnnxModel) => graph.node.map(({ op_type }) => op_type);

describe.each(Object.entries(MODELS))('%s', (_, build) => {
  const model = buildWithWeights({ build });
  const bytes = toOnnx(model);
  const onnx = decodeOnnx(bytes);

  test('every input of a node was there before it, under a name of its own', () => {
    const names = [...onnx.graph.input, ...onnx.graph.initializer].map(({ name }) => name);
    for (const { input, output } of onnx.graph.node) {
      expect(names).toEqual(expect.arrayContaining([...input]));
      names.push(...output);
    }
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain(onnx.graph.output[0]!.name);
  });

  test('input and output are the model’s, the number of pictures free', () => {
    const shapes = [...onnx.graph.input, ...onnx.graph.output].map(({ name, type }) => ({
      name,
      shape: type.tensor_type.shape.dim.map((dim) => ('dim_param' in dim ? null : dim.dim_value)),
    }));
    expect(shapes).toEqual([
      { name: model.inputNames[0], shape: model.inputs[0]!.shape },
      { name: model.outputNames[0], shape: model.outputs[0]!.shape },
    ]);
  });

  test('every weight is there once', () => {
    const sizes = onnx.graph.initializer
      .filter(({ data_type }) => data_type === 'FLOAT')
      .map(({ dims, raw_data }) => {
        const size = dims.reduce((product, side) => product * side, 1);
        expect(raw_data.byteLength).toBe(4 * size);
        return size;
      });
    // Beside the weights: scale and offset of the pixels, scales and shifts that a normalisation is made without.
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total - model.countParams()).toBeGreaterThanOrEqual(2);
    expect(total - model.countParams()).toBeLessThan(64);
  });

  test('no tensor stays behind', () => {
    const before = tf.memory().numTensors;
    toOnnx(model);
    expect(tf.memory().numTensors).toBe(before);
  });

  test.skipIf(presentOnnxruntime() === undefined)('onnxruntime computes what the model computes', async () => {
    const shape = model.inputs[0]!.shape.slice(1) as [number, number, number];
    const pixels = pictures(PICTURES, shape);
    const logits = tf.tidy(() => (model.predict(tf.tensor4d(pixels, [PICTURES, ...shape])) as tf.Tensor).arraySync());
    const expected = (logits as number[][]).flat(2);
    const actual = await runOnnx(bytes, pixels, [PICTURES, ...shape]);
    const greatest = Math.max(...expected.map(Math.abs));
    expect(actual).toHaveLength(expected.length);
    expected.forEach((value, i) => {
      expect(Math.abs(actual[i]! - value) / greatest).toBeLessThan(1e-5);
    });
    const half = expected.length / PICTURES;
    const apart = expected.slice(half).map((value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...apart) / greatest).toBeGreaterThan(1e-3); // else the pictures would not matter
  });
});

test('pictures are transposed once, and captcha v4’s map before it is read by columns', () => {
  const count = (build: () => tf.LayersModel) =>
    operators(decodeOnnx(toOnnx(build()))).filter((operator) => operator === 'Transpose').length;
  expect(count(MODELS['ResNet-18']!)).toBe(1);
  expect(count(MODELS.WideResNet!)).toBe(1);
  expect(count(MODELS['EfficientNet-B0']!)).toBe(1);
  expect(count(MODELS['captcha v4']!)).toBe(2);
});

test('zero padding is part of the convolution, and of a maximum over what is not negative', () => {
  const { graph } = decodeOnnx(toOnnx(MODELS['ResNet-18']!()));
  const padsOf = (name: string) =>
    graph.node.find((node) => node.name === name)!.attribute.find((a) => a.name === 'pads');
  expect(graph.node.map(({ op_type }) => op_type)).not.toContain('Pad');
  expect(padsOf('conv1:conv')).toMatchObject({ ints: [3, 3, 3, 3] });
  expect(padsOf('maxpool:pool')).toMatchObject({ ints: [1, 1, 1, 1] });
  expect(operators(decodeOnnx(toOnnx(everyLayer()))).filter((operator) => operator === 'Pad')).toHaveLength(2);
});

test.each<[string, tf.layers.Layer]>([
  ['a layer without ONNX', tf.layers.upSampling2d({})],
  ['an activation without ONNX', tf.layers.conv2d({ filters: 1, kernelSize: 1, activation: 'elu' })],
  ['channels first', tf.layers.averagePooling2d({ dataFormat: 'channelsFirst' })],
  ['another axis', tf.layers.batchNormalization({ axis: 1 })],
])('%s is an error', (_, layer) => {
  const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [4, 4, 2] }), layer] });
  const error = (() => {
    try {
      return toOnnx(model);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(isProjError(error, 'unknown-layer')).toBe(true);
});

async function runOnnx(model: Uint8Array, pixels: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  const onnxruntime = loadOnnxruntime(presentOnnxruntime()!);
  const folder = await mkdtemp(join(tmpdir(), 'to-onnx-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, model);
    // Its optimiser takes zeros before a maximum for padding, and so for -Infinity.
    const session = await openSession(onnxruntime, path, { graphOptimizationLevel: 'disabled' });
    const outputs = await session.run({ [session.inputNames[0]!]: new onnxruntime.Tensor('float32', pixels, shape) });
    return outputs[session.outputNames[0]!]!.data;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('gives a model the same weights whatever was built before it', () => {
  const build = () =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [4, 4, 1], filters: 2, kernelSize: 1, kernelInitializer: 'ones' }),
        tf.layers.batchNormalization(),
      ],
    });
  const [first, second] = [1, 2].map(() => buildWithWeights({ build }));
  for (const [i, weight] of first!.getWeights().entries())
    expect(second!.getWeights()[i]!.dataSync()).toEqual(weight.dataSync());
});
