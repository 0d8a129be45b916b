import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { countMacs } from '../src/index.js';
import { useTestBackend } from './backend.ts';

useTestBackend();
afterEach(() => tf.disposeVariables());

const zeros = { kernelInitializer: 'zeros' as const, depthwiseInitializer: 'zeros' as const };
type Tensor = tf.SymbolicTensor;

function lenet5(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [32, 32, 1], filters: 6, kernelSize: 5, ...zeros }),
      tf.layers.averagePooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 16, kernelSize: 5, ...zeros }),
      tf.layers.averagePooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 120, ...zeros }),
      tf.layers.dense({ units: 84, ...zeros }),
      tf.layers.dense({ units: 10, ...zeros }),
    ],
  });
}

function resnet18(): tf.LayersModel {
  const conv = (x: Tensor, filters: number, kernelSize: number, strides: number) =>
    tf.layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, ...zeros }).apply(x) as Tensor;
  const input = tf.input({ shape: [224, 224, 3] });
  let x = conv(input, 64, 7, 2);
  x = tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }).apply(x) as Tensor;
  for (const [i, filters] of [64, 128, 256, 512].entries()) {
    for (const strides of [i === 0 ? 1 : 2, 1]) {
      const shortcut = strides === 1 ? x : conv(x, filters, 1, strides);
      x = tf.layers.add().apply([conv(conv(x, filters, 3, strides), filters, 3, 1), shortcut]) as Tensor;
    }
  }
  x = tf.layers.globalAveragePooling2d({}).apply(x) as Tensor;
  const output = tf.layers.dense({ units: 1000, ...zeros }).apply(x) as Tensor;
  return tf.model({ inputs: input, outputs: output });
}

function mobileNetV1(): tf.LayersModel {
  const input = tf.input({ shape: [224, 224, 3] });
  const same = { padding: 'same' as const, useBias: false, ...zeros };
  let x = tf.layers.conv2d({ filters: 32, kernelSize: 3, strides: 2, ...same }).apply(input) as Tensor;
  const pairs = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array(5).fill([512, 1]),
    [1024, 2],
    [1024, 1],
  ]; // prettier-ignore
  for (const [filters, strides] of pairs as [number, number][]) {
    x = tf.layers.depthwiseConv2d({ kernelSize: 3, strides, ...same }).apply(x) as Tensor;
    x = tf.layers.conv2d({ filters, kernelSize: 1, ...same }).apply(x) as Tensor;
  }
  x = tf.layers.globalAveragePooling2d({}).apply(x) as Tensor;
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 1000, ...zeros }).apply(x) as Tensor });
}

describe('countMacs', () => {
  it.each([
    ['LeNet-5', lenet5, 416_520],
    ['ResNet-18', resnet18, 1_814_073_344],
    ['MobileNetV1', mobileNetV1, 568_740_352],
  ])('%s has the published count', (_, build, macs) => {
    const model = build();
    expect(countMacs(model).total).toBe(macs);
    model.dispose();
  });

  it('adds up its layers', () => {
    const { total, layers } = countMacs(lenet5());
    expect(layers.map(({ macs }) => macs)).toEqual([117_600, 240_000, 48_000, 10_080, 840]);
    expect(layers.map(({ className }) => className)).toEqual(['Conv2D', 'Conv2D', 'Dense', 'Dense', 'Dense']);
    expect(layers.reduce((sum, { macs }) => sum + macs, 0)).toBe(total);
  });

  it('refuses to guess', () => {
    const recurrent = tf.sequential({ layers: [tf.layers.lstm({ units: 2, inputShape: [3, 4] })] });
    expect(() => countMacs(recurrent)).toThrow(/LSTM used 1 times/);
    const openSize = tf.sequential({
      layers: [tf.layers.conv2d({ inputShape: [null, null, 1], filters: 1, kernelSize: 1 })],
    });
    expect(() => countMacs(openSize)).toThrow(/of fixed size/);
    const input = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 4 });
    const twice = tf.model({ inputs: input, outputs: shared.apply(shared.apply(input)) as Tensor });
    expect(() => countMacs(twice)).toThrow(/Dense used 2 times/);
  });
});
