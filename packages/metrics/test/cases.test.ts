import { isProjError } from '@proj/core';
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  charAccuracy,
  characterErrorRate,
  confusionMatrix,
  editDistance,
  exactMatch,
  type LogitsBatch,
  type Metric,
  mean,
  meanLoss,
  perPositionAccuracy,
  predictedClasses,
  topConfusions,
} from '../src/index.js';

/** Two pictures of two characters out of three classes. The first is read rightly, of the second the second character. */
const batch: LogitsBatch = {
  logits: Float32Array.of(5, 1, 0, 0, 5, 1, 1, 5, 0, 0, 1, 5),
  shape: [2, 2, 3],
  labels: Int32Array.of(0, 1, 0, 2),
};
const withNaN: LogitsBatch = { ...batch, logits: batch.logits.map((score, i) => (i === 1 ? Number.NaN : score)) };

function of<S, Input>(metric: Metric<S, Input>, input: Input): number {
  return metric.compute(metric.update(metric.init(), input));
}

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isProjError(error)) return `${error.code} | ${error.message}`;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('by hand', () => {
  it('counts characters, pictures, positions', () => {
    expect(of(charAccuracy(), batch)).toBe(3 / 4);
    expect(of(accuracy(), batch)).toBe(3 / 4);
    expect(of(accuracy({ topK: 2 }), batch)).toBe(1);
    expect(of(exactMatch(), batch)).toBe(1 / 2);
    const metric = perPositionAccuracy();
    expect(metric.details(metric.update(metric.init(), batch))).toEqual([1 / 2, 1]);
  });

  it('has macro average over classes: 0 is right once of two, 1 and 2 always', () => {
    expect(of(accuracy({ average: 'macro' }), batch)).toBe((0.5 + 1 + 1) / 3);
  });

  it('knows who was taken for whom', () => {
    const metric = confusionMatrix({ numClasses: 3 });
    const { matrix } = metric.details(metric.update(metric.init(), batch));
    expect(matrix).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(topConfusions(matrix, 'xyz', 3)).toEqual([{ truth: 'x', predicted: 'y', count: 1 }]);
    expect(topConfusions(matrix, ['ex', '\u{1F600}', 'z'], 3)[0]!.predicted).toBe('\u{1F600}');
  });

  it('takes the first of equal scores', () => {
    const logits = Float32Array.of(1, 1, 0, 1, 1, 1);
    expect([...predictedClasses(logits, [2, 3])]).toEqual([0, 0]);
    const tied = { logits, shape: [2, 3], labels: Int32Array.of(1, 2) };
    expect([1, 2, 3].map((topK) => of(accuracy({ topK }), tied))).toEqual([0, 1 / 2, 1]);
  });

  it('takes infinite scores in their order', () => {
    const logits = Float32Array.of(-Infinity, Infinity, 0, -Infinity, -Infinity, -Infinity);
    expect([...predictedClasses(logits, [2, 3])]).toEqual([1, 0]);
  });

  it('has the names that logs and reports use', () => {
    const metrics = [
      charAccuracy(),
      exactMatch(),
      accuracy(),
      accuracy({ topK: 5 }),
      perPositionAccuracy(),
      meanLoss(),
      mean('rate'),
    ];
    expect(metrics.map(({ name }) => name)).toEqual([
      'charAccuracy',
      'exactMatch',
      'accuracy',
      'top5Accuracy',
      'perPositionAccuracy',
      'loss',
      'rate',
    ]);
  });

  it('measures texts', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('\u{1F600}', '')).toBe(1);
    expect(of(characterErrorRate(), { predicted: ['abcd', 'xx'], expected: ['abed', ''] })).toBe(3 / 4);
  });

  it('weighs means', () => {
    const metric = mean();
    const state = [{ value: 2, weight: 3 }, { value: 10 }].reduce(metric.update, metric.init());
    expect(metric.compute(state)).toBe(4);
  });
});

describe('a NaN among the scores', () => {
  it('is a miss', () => {
    expect(of(charAccuracy(), withNaN)).toBe(2 / 4);
    expect(of(accuracy({ topK: 3 }), withNaN)).toBe(3 / 4);
    expect(of(accuracy({ average: 'macro' }), withNaN)).toBe((0 + 1 + 1) / 3);
    expect(of(exactMatch(), withNaN)).toBe(0);
    expect(of(perPositionAccuracy(), withNaN)).toBe(2 / 4);
  });

  it('predicts nothing, and is counted beside the matrix', () => {
    const metric = confusionMatrix({ numClasses: 3 });
    const state = metric.update(metric.init(), withNaN);
    expect(metric.compute(state)).toBe(2 / 4);
    expect(metric.details(state)).toEqual({
      matrix: [
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      unpredicted: [1, 0, 0],
    });
  });

  it('makes the loss NaN, also after a way through JSON', () => {
    const metric = meanLoss();
    const state = JSON.parse(JSON.stringify(metric.update(metric.init(), withNaN)));
    expect(metric.compute(state)).toBeNaN();
    expect(metric.compute(metric.update(state, batch))).toBeNaN();
    const scalars = mean();
    const broken = scalars.update(scalars.update(scalars.init(), { value: Number.NaN }), { value: 1 });
    expect(scalars.compute(JSON.parse(JSON.stringify(broken)))).toBeNaN();
  });

  it('is NaN too for an impossible label, whose loss is infinite', () => {
    const impossible = { logits: Float32Array.of(0, -Infinity), shape: [1, 2], labels: Int32Array.of(1) };
    expect(of(meanLoss(), impossible)).toBeNaN();
  });
});

describe('nothing counted', () => {
  it('is NaN', () => {
    const ignored = { ...batch, labels: batch.labels.map(() => -1) };
    const options = { ignoreIndex: -1 };
    for (const metric of [
      accuracy(options),
      accuracy({ ...options, average: 'macro' }),
      charAccuracy(options),
      exactMatch(options),
      perPositionAccuracy(options),
      confusionMatrix({ ...options, numClasses: 3 }),
      meanLoss(options),
    ] as Metric<unknown>[]) {
      expect(metric.compute(metric.init())).toBeNaN();
      expect(of(metric, ignored)).toBeNaN();
    }
  });

  it('is no trouble in a batch of no pictures', () => {
    const empty = { logits: new Float32Array(0), shape: [0, 2, 3], labels: new Int32Array(0) };
    const metric = charAccuracy();
    expect(metric.compute(metric.update(metric.update(metric.init(), batch), empty))).toBe(3 / 4);
  });
});

describe('errors', () => {
  // biome-ignore lint/suspicious/noExplicitAny: as a caller without types passes it
  const untyped = (value: unknown): any => value;

  it.each([
    [
      'invalid-shape',
      { ...batch, shape: [12] },
      'Expected the shape of the logits as [B, L, C] or [B, C] with at least one class. Received [12].',
    ],
    ['invalid-shape', { ...batch, shape: [1, 2, 2, 3] }, 'Received [1, 2, 2, 3].'],
    ['invalid-shape', { ...batch, shape: [2, 2, 0] }, 'at least one class'],
    ['invalid-shape', { ...batch, shape: [2, 2.5, 3] }, 'Received [2, 2.5, 3].'],
    ['invalid-shape', { ...batch, shape: [3, 2, 3] }, 'Expected 18 logits for the shape [3, 2, 3]. Received 12.'],
    [
      'invalid-shape',
      { ...batch, labels: Int32Array.of(0, 1) },
      'Expected 4 labels, one for each row of logits [2, 2, 3]. Received 2.',
    ],
    [
      'label-out-of-range',
      { ...batch, labels: Int32Array.of(0, 1, 3, 0) },
      'Label 3 of example 1, position 0 is no class. Expected a label in 0..2. Received 3.',
    ],
    ['label-out-of-range', { ...batch, labels: Int32Array.of(0, -1, 0, 0) }, 'Label -1 of example 0, position 1'],
  ])('%s %#', (code, input, text) => {
    const metrics = [
      accuracy(),
      charAccuracy(),
      exactMatch(),
      perPositionAccuracy(),
      confusionMatrix({ numClasses: 3 }),
      meanLoss(),
    ];
    for (const metric of metrics as Metric<unknown>[]) {
      const message = failure(() => metric.update(metric.init(), input));
      expect(message).toContain(`${code} | `);
      expect(message).toContain(text);
    }
  });

  it('predictedClasses checks its shape', () => {
    expect(failure(() => predictedClasses(batch.logits, [-2, -2, 3]))).toContain('invalid-shape');
    expect(failure(() => predictedClasses(batch.logits, [4, 4]))).toContain('Expected 16 logits');
  });

  it.each([
    [() => accuracy({ topK: 0 }), 'Expected topK to be an integer >= 1. Received 0.'],
    [() => accuracy(untyped({ average: 'weighted' })), 'Expected average to be "micro" or "macro". Received weighted.'],
    [() => of(accuracy({ topK: 4 }), batch), 'at most the number of classes, 3'],
    [() => exactMatch({ ignoreIndex: 0.5 }), 'Expected ignoreIndex to be an integer.'],
    [() => confusionMatrix({ numClasses: 0 }), 'Expected numClasses to be an integer >= 1.'],
    [() => confusionMatrix(untyped({ numClasses: 3, normalize: 'rows' })), '"none", "true", "pred" or "all"'],
    [() => meanLoss(untyped({ per: 'batch' })), '"place" or "example"'],
  ])('invalid-option %#', (run, text) => {
    const message = failure(run);
    expect(message).toContain('invalid-option | ');
    expect(message).toContain(text);
  });

  it('states and matrices that do not belong together', () => {
    const metric = accuracy();
    const other = { logits: Float32Array.of(1, 2), shape: [1, 2], labels: Int32Array.of(0) };
    const state = metric.update(metric.init(), batch);
    expect(failure(() => metric.update(state, other))).toMatch(
      /^state-mismatch \| accuracy: .*Expected 3 .* Received 2/,
    );
    expect(failure(() => of(confusionMatrix({ numClasses: 4 }), batch))).toMatch(
      /^class-count \| .*Received 3 in logits/,
    );
    expect(failure(() => topConfusions([[1]], 'ab', 1))).toMatch(/^class-count \| .*Expected 1 names. Received 2/);
    expect(failure(() => of(characterErrorRate(), { predicted: [], expected: ['a'] }))).toContain('invalid-shape');
    expect(failure(() => of(mean(), { value: 1, weight: -1 }))).toContain('invalid-weight');
  });
});
