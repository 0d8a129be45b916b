import { chooseBackend } from '@proj/backends';
import * as tf from '@tensorflow/tfjs';
import { machine } from './support/results.js';

export const options = ['json'] as const;

/** The plain JS backend takes up to minutes for the gradient of filters, so it has one round, with a few pixels: see below. */
const ROUNDS = { wasm: 7, cpu: 1 };

/** Shorter calls are repeated on wasm; the first round, so long that JavaScript is compiled, does not count. */
const ROUND_MS = 100;

/** Height and width of the output that the plain JS backend computes of one picture. */
const PLAIN_SIDE = 4;

/** A convolution on `[batch, height, width, channels]`; `filters` is undefined for a depthwise one. */
interface Shape {
  readonly what: string;
  readonly x: [number, number, number, number];
  readonly kernel: number;
  readonly stride: number;
  readonly filters?: number;
}

const shapes: readonly Shape[] = [
  { what: 'ResNet, first stage', x: [4, 30, 100, 64], kernel: 3, stride: 1, filters: 64 },
  { what: 'ResNet, second stage', x: [4, 15, 50, 128], kernel: 3, stride: 1, filters: 128 },
  { what: 'ResNet, last stage', x: [8, 4, 13, 512], kernel: 3, stride: 1, filters: 512 },
  { what: 'ResNet, into the third stage', x: [8, 15, 50, 128], kernel: 3, stride: 2, filters: 256 },
  { what: 'captcha v4, first block', x: [32, 32, 64, 16], kernel: 3, stride: 2, filters: 32 },
  { what: 'EfficientNet, expansion', x: [4, 28, 28, 40], kernel: 1, stride: 1, filters: 240 },
  { what: 'EfficientNet, projection', x: [4, 28, 28, 240], kernel: 1, stride: 1, filters: 40 },
  { what: 'EfficientNet, depthwise', x: [4, 28, 28, 240], kernel: 5, stride: 1 },
  { what: 'EfficientNet, depthwise, strides', x: [4, 56, 56, 144], kernel: 3, stride: 2 },
];
const passes = ['forward', 'input gradient', 'filter gradient'] as const;

interface Row {
  readonly shape: string;
  readonly pass: (typeof passes)[number];
  readonly backend: 'wasm' | 'cpu';
  /** Billions of multiplications and additions a second: median, slowest and fastest round. */
  readonly gflops: number;
  readonly slowest: number;
  readonly fastest: number;
}

/**
 * Convolutions on tfjs's wasm backend with the gradients of `@proj/backends`, beside the plain JS backend: GFLOP/s on one
 * thread, the median of 7 rounds after one to warm up; each takes a new filter, as a training step does. The plain JS backend, a hundred times slower and more, gets one picture
 * of 4x4 output pixels and one round.
 */
export default async function benchmark({ json }: { json: boolean }): Promise<void> {
  const rates = new Map<string, number[]>();
  for (let round = -1; round < ROUNDS.wasm; round++) {
    for (const backend of ['wasm', 'cpu'] as const) {
      if (backend === 'cpu' && round !== 0) continue;
      await chooseBackend({ backend });
      for (const shape of shapes) {
        for (const pass of passes) {
          const rate = backend === 'cpu' ? measure(small(shape), pass, 0) : measure(shape, pass, ROUND_MS);
          const key = JSON.stringify([shape.what, pass, backend]);
          if (round >= 0) rates.set(key, [...(rates.get(key) ?? []), rate]);
        }
      }
    }
  }
  const rows = [...rates].map(([key, values]): Row => {
    const [shape, pass, backend] = JSON.parse(key) as [string, Row['pass'], Row['backend']];
    const sorted = values.sort((a, b) => a - b);
    const [gflops, slowest, fastest] = [sorted[ROUNDS[backend] >> 1]!, sorted[0]!, sorted.at(-1)!].map((x) =>
      Number(x.toPrecision(3)),
    );
    return { shape, pass, backend, gflops: gflops!, slowest: slowest!, fastest: fastest! };
  });
  if (json) {
    console.log(JSON.stringify({ benchmark: 'wasm-convolution', machine, rounds: ROUNDS, rows }));
    return;
  }
  console.log(
    `wasm-convolution: GFLOP/s on one thread, median of ${ROUNDS.wasm} rounds; cpu: one, of few pixels (${machine})\n`,
  );
  console.log(`  ${'convolution'.padEnd(32)} ${'pass'.padEnd(16)}    wasm    (slowest .. fastest)      cpu`);
  for (const { what } of shapes) {
    for (const pass of passes) {
      const [wasm, cpu] = (['wasm', 'cpu'] as const).map(
        (backend) => rows.find((row) => row.shape === what && row.pass === pass && row.backend === backend)!,
      ) as [Row, Row];
      const range = `(${wasm.slowest.toFixed(1)} .. ${wasm.fastest.toFixed(1)})`;
      const figures = `${wasm.gflops.toFixed(1).padStart(7)}    ${range.padEnd(24)} ${cpu.gflops.toFixed(3).padStart(7)}`;
      console.log(`  ${what.padEnd(32)} ${pass.padEnd(16)} ${figures}`);
    }
  }
}

function small(shape: Shape): Shape {
  const side = PLAIN_SIDE * shape.stride;
  return { ...shape, x: [1, side, side, shape.x[3]] };
}

/** GFLOP/s of one pass on the active backend, which computes at once; calls are repeated for so long. */
function measure({ x: inputShape, kernel, stride, filters }: Shape, pass: Row['pass'], milliseconds: number): number {
  return tf.tidy(() => {
    const channels = inputShape[3];
    const filterShape = [kernel, kernel, channels, filters ?? 1];
    const x = tf.randomUniform(inputShape, -1, 1, 'float32', 1);
    const kept = tf.randomUniform(filterShape, -1, 1, 'float32', 2);
    const name = filters === undefined ? 'DepthwiseConv2dNative' : 'Conv2D';
    const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };
    const run = (kernelName: string, inputs: tf.NamedTensorMap, more: tf.NamedAttrMap = {}): tf.Tensor =>
      tf.engine().runKernel(kernelName, inputs, { ...attrs, ...more });
    const dy = run(name, { x, filter: kept }); // [B, H / s, W / s, filters]
    const runs = {
      forward: (filter: tf.Tensor) => run(name, { x, filter }),
      'input gradient': (filter: tf.Tensor) => run(`${name}BackpropInput`, { dy, filter }, { inputShape }),
      'filter gradient': () => run(`${name}BackpropFilter`, { x, dy }, { filterShape }),
    };
    let [calls, spent] = [0, 0];
    do {
      const filter = kept.add(0);
      const start = performance.now();
      const result = runs[pass](filter);
      spent += performance.now() - start;
      calls++;
      tf.dispose([result, filter]);
    } while (spent < milliseconds);
    const products = dy.size * kernel * kernel * (filters === undefined ? 1 : channels);
    return (2 * products * calls) / spent / 1e6;
  });
}
