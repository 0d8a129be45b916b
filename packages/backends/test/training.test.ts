import { isProjError } from '@proj/core';
import { captchaModels } from '@proj/models-captcha';
import { efficientnetB0 } from '@proj/models-efficientnet';
import { resnet34, wideResNet } from '@proj/models-resnet';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { expectDescent } from '../../models-core/test/model-laws.ts';
import { pictures } from '../../models-core/test/torch-goldens.ts';
import { type BackendName, chooseBackend } from '../src/index.js';
import { nets } from './nets.js';

const BATCH = 4;

/** Loss of each of `steps` steps with momentum, on the active backend; checks that no step leaves a tensor behind. */
function lossCurve(network: tf.LayersModel, steps: number): number[] {
  const [pictures, labels] = tf.tidy(() => {
    const shape = [BATCH, ...(network.inputs[0]!.shape.slice(1) as number[])];
    const size = tf.util.sizeFromShape(shape);
    const [classes, ...positions] = (network.outputs[0]!.shape.slice(1) as number[]).reverse() as [number, ...number[]];
    const count = BATCH * tf.util.sizeFromShape(positions);
    return [
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => 128 + 127 * Math.sin(i * 12.9898)),
        shape,
      ),
      tf
        .oneHot(
          Array.from({ length: count }, (_, i) => (i * 7) % classes),
          classes,
        )
        .reshape([BATCH, ...positions.reverse(), classes]),
    ];
  });
  const optimizer = tf.train.momentum(0.05, 0.9);
  const step = () =>
    tf.tidy(() => {
      const loss = optimizer.minimize(() => {
        const logits = network.apply(pictures, { training: true }) as tf.Tensor; // [B, ..., classes]
        return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
      }, true);
      return loss!.dataSync()[0]!;
    });
  // The first step makes the optimizer's state.
  const losses = [step()];
  const { numTensors } = tf.memory();
  const ids = tf.backend().numDataIds();
  for (let i = 1; i < steps; i++) losses.push(step());
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(tf.backend().numDataIds()).toBe(ids);
  tf.dispose([pictures, labels]);
  network.dispose();
  optimizer.dispose();
  return losses;
}

/** Why a backend is not here; undefined where it is. */
async function absence(backend: BackendName): Promise<string | undefined> {
  try {
    await chooseBackend({ backend });
    return undefined;
  } catch (error) {
    if (!isProjError(error, 'backend-unavailable')) throw error;
    return error.received;
  }
}

const others = ['wasm', 'onednn', 'tfjs-node', 'tfjs-node-gpu'] as const;
const reasons = new Map<string, string | undefined>();
for (const backend of others) reasons.set(backend, await absence(backend));

// The plain JS backend takes long for all but the first.
const trained = Object.entries(nets).slice(0, process.env.PROJ_TEST_LONG === '1' ? undefined : 1);

describe.each(trained)('a training of %s', { timeout: 240_000 }, (name, build) => {
  // The plain JS backend takes minutes for captcha v3, so that one is held against wasm, and wasm against it by the others.
  const reference = name === 'captcha v3' ? 'wasm' : 'cpu';
  let expected: number[] = [];

  it(`learns on ${reference}`, async () => {
    await chooseBackend({ backend: reference });
    expected = lossCurve(build(), 8);
    expect(expected.at(-1)!).toBeLessThan(0.8 * expected[0]!);
  });

  for (const backend of others.filter((backend) => backend !== reference)) {
    const reason = reasons.get(backend);
    it.skipIf(reason !== undefined)(
      `has the same losses on ${backend}${reason ? ` (absent: ${reason})` : ''}`,
      async () => {
        await chooseBackend({ backend });
        const losses = lossCurve(build(), 8);
        losses.forEach((loss, i) => {
          // Rounding differs, and what a step makes of it the next one makes more of.
          expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-5 * 4 ** i * expected[0]!);
        });
      },
    );
  }
});

const small = { numClasses: 5, seed: 1 };
const models: Readonly<Record<string, () => tf.LayersModel>> = {
  ...Object.fromEntries(
    Object.entries(captchaModels).map(([name, build]) => [
      `captcha ${name}`,
      () => build({ inputShape: name === 'v4' ? [32, 64, 3] : [32, 32, 1], seed: 1 }),
    ]),
  ),
  resnet34: () => resnet34({ ...small, inputShape: [32, 40, 3], width: 4 }),
  wideResNet: () => wideResNet({ ...small, inputShape: [8, 8, 3], depth: 10, widenFactor: 1 }),
  efficientnetB0: () =>
    efficientnetB0({ ...small, inputShape: [33, 40, 3], widthMultiplier: 0.25, dropRate: 0, dropPathRate: 0 }),
};

describe('every model of the repository trains on wasm', { timeout: 240_000 }, () => {
  it.each(Object.entries(models))('%s: a step lowers the loss as far as the gradient says', async (_, build) => {
    await chooseBackend({ backend: 'wasm' });
    const model = build();
    tf.tidy(() => {
      const pixels = pictures([2, ...(model.inputs[0]!.shape.slice(1) as number[])]);
      // Of each picture the cross-entropy to the first class, at the first position where it has several.
      const firstClass = (shape: number[]) => shape.map((_, i) => (i === 0 ? 2 : 1));
      expectDescent(
        model,
        pixels,
        (logits) =>
          logits.logSoftmax().slice(new Array(logits.rank).fill(0), firstClass(logits.shape)).mean().neg() as tf.Scalar,
      );
    });
    model.dispose();
  });
});
