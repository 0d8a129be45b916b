import { ProjError, Rng } from '@proj/core';
import { captchaV4 } from '@proj/models-captcha';
import { efficientnetB0 } from '@proj/models-efficientnet';
import { resnet34, wideResNet } from '@proj/models-resnet';
import * as tf from '@tensorflow/tfjs';

/** A model that the benchmarks train or ask; `contestants/torch_models.py` has the same ones by the same names. */
export interface Case {
  readonly build: () => tf.LayersModel;
  /** [height, width, channels] */
  readonly input: readonly [number, number, number];
  /** Labels of a picture, and the classes of each. */
  readonly positions: number;
  readonly classes: number;
  /** Of a training step. */
  readonly batches: readonly number[];
  /** tfjs's own backends take minutes a step of the others. */
  readonly small: boolean;
}

export const CASES: Readonly<Record<string, Case>> = {
  v4: {
    build: () => captchaV4(),
    input: [64, 128, 3],
    positions: 4,
    classes: 62,
    batches: [128],
    small: true,
  },
  resnet34: {
    build: () => resnet34({ inputShape: [60, 200, 3], stem: 'wide', numClasses: 378 }),
    input: [60, 200, 3],
    positions: 6,
    classes: 63,
    batches: [16, 32],
    small: false,
  },
  wideresnet: {
    build: () => wideResNet({ depth: 28, widenFactor: 10, numClasses: 10 }),
    input: [32, 32, 3],
    positions: 1,
    classes: 10,
    batches: [32],
    small: false,
  },
  efficientnet: {
    build: () => efficientnetB0({ numClasses: 1000 }),
    input: [224, 224, 3],
    positions: 1,
    classes: 1000,
    batches: [16],
    small: false,
  },
};

/**
 * The model with what training would have made of the vectors that begin as constants (biases; scales, shifts, means and
 * variances of batch normalisation), so that none passes unnoticed where outputs are compared. The same in every process.
 */
export function buildWithWeights({ build }: Pick<Case, 'build'>): tf.LayersModel {
  const model = build();
  const rng = new Rng(1);
  for (const [number, layer] of model.layers.entries()) {
    const weights = layer.weights.map(({ name, shape }, i) => {
      const current = layer.getWeights()[i]!;
      if (shape.length !== 1) return current;
      // By place: names depend on what was built before.
      const random = rng.split(`${number}.${i}`);
      const isFactor = /gamma|variance/.test(name);
      return tf.tensor1d(
        Array.from({ length: current.size }, () => (isFactor ? random.uniform(0.5, 1.5) : random.uniform(-0.2, 0.2))),
      );
    });
    layer.setWeights(weights);
    weights.forEach((weight, i) => {
      if (layer.weights[i]!.shape.length === 1) weight.dispose();
    });
  }
  return model;
}

/** All, or the one that `only` names. @throws ProjError `unknown-case` */
export function chosenCases(only: string | undefined): [name: string, theCase: Case][] {
  const chosen = Object.entries(CASES).filter(([name]) => only === undefined || name === only);
  if (chosen.length > 0) return chosen;
  throw new ProjError(`There is no case ${only} for --only`, {
    code: 'unknown-case',
    expected: Object.keys(CASES).join(', '),
    received: String(only),
  });
}

const PRECISIONS = ['float32', 'bfloat16'] as const;

/** Both, or the one that `precision` names. @throws ProjError `unknown-precision` */
export function chosenPrecisions(precision: string | undefined): string[] {
  const chosen = PRECISIONS.filter((each) => precision === undefined || each === precision);
  if (chosen.length > 0) return chosen;
  throw new ProjError(`There is no precision ${precision} for --precision`, {
    code: 'unknown-precision',
    expected: PRECISIONS.join(', '),
    received: String(precision),
  });
}
