import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  charAccuracy,
  characterErrorRate,
  confusionMatrix,
  exactMatch,
  type LogitsBatch,
  type Metric,
  meanLoss,
  perPositionAccuracy,
  wordErrorRate,
} from '../src/index.js';

interface Case {
  readonly name: string;
  readonly shape: [number, number, number];
  readonly logits: number[];
  readonly labels: number[];
  readonly ignoreIndex: number | null;
  readonly micro: Record<'1' | '2' | '3', number>;
  readonly macro: Record<'1' | '2' | '3', number>;
  readonly perClass: number[];
  readonly perPosition: number[];
  readonly exactMatch: number;
  readonly exactMatchWithoutIgnoredExamples: number;
  readonly confusion: Record<'none' | 'true' | 'pred' | 'all', number[][]>;
  readonly lossPerPlace: number;
  readonly lossPerExample: number;
}

const goldens: {
  readonly cases: readonly Case[];
  readonly texts: {
    readonly expected: string[];
    readonly predicted: string[];
    readonly characterErrorRate: number;
    readonly wordErrorRate: number;
  };
} = JSON.parse(readFileSync(new URL('./goldens/torchmetrics.json', import.meta.url), 'utf8'));

function of<S, Input>(metric: Metric<S, Input>, batch: Input): number {
  return metric.compute(metric.update(metric.init(), batch));
}

/** torchmetrics divides in float32: the nearest float to our double. */
const float = Math.fround;

describe.each(goldens.cases)('torchmetrics: $name', (golden) => {
  const batch: LogitsBatch = {
    logits: Float32Array.from(golden.logits),
    shape: golden.shape,
    labels: Int32Array.from(golden.labels),
  };
  const ignoreIndex = golden.ignoreIndex ?? undefined;
  const numClasses = golden.shape[2];

  it.each(['1', '2', '3'] as const)('MulticlassAccuracy, top %s', (k) => {
    const topK = Number(k);
    expect(float(of(accuracy({ topK, ignoreIndex }), batch))).toBe(golden.micro[k]);
    const macro = of(accuracy({ topK, ignoreIndex, average: 'macro' }), batch);
    // A sum of up to 12 float32 shares.
    expect(Math.abs(macro - golden.macro[k])).toBeLessThanOrEqual(2e-7);
  });

  it('MulticlassAccuracy, average none; a class without labels is NaN here and 0 there', () => {
    const metric = accuracy({ ignoreIndex });
    const shares = metric.details(metric.update(metric.init(), batch));
    expect(shares.map((share) => (Number.isNaN(share) ? 0 : float(share)))).toEqual(golden.perClass);
    const labelled = new Set(golden.labels.filter((label) => label !== ignoreIndex));
    expect(shares.map(Number.isNaN)).toEqual(shares.map((_, c) => !labelled.has(c)));
  });

  it('by character and by position', () => {
    expect(float(of(charAccuracy({ ignoreIndex }), batch))).toBe(golden.micro['1']);
    const metric = perPositionAccuracy({ ignoreIndex });
    const state = metric.update(metric.init(), batch);
    expect(metric.details(state).map(float)).toEqual(golden.perPosition);
    expect(float(metric.compute(state))).toBe(golden.micro['1']);
  });

  it('MulticlassExactMatch, of the pictures that have a label that counts', () => {
    expect(float(of(exactMatch({ ignoreIndex }), batch))).toBe(golden.exactMatchWithoutIgnoredExamples);
  });

  it.each(['none', 'true', 'pred', 'all'] as const)('MulticlassConfusionMatrix, normalize %s', (normalize) => {
    const metric = confusionMatrix({ numClasses, normalize, ignoreIndex });
    const state = metric.update(metric.init(), batch);
    expect(metric.details(state).matrix.map((row) => row.map(float))).toEqual(golden.confusion[normalize]);
    expect(float(metric.compute(state))).toBe(golden.micro['1']);
  });

  it('cross_entropy in double precision', () => {
    expect(of(meanLoss({ ignoreIndex }), batch)).toBeCloseTo(golden.lossPerPlace, 12);
    expect(of(meanLoss({ ignoreIndex, per: 'example' }), batch)).toBeCloseTo(golden.lossPerExample, 12);
  });
});

it('logits [B, C] are [B, 1, C]', () => {
  const golden = goldens.cases.find(({ shape }) => shape[1] === 1)!;
  const flat = {
    logits: Float32Array.from(golden.logits),
    shape: [golden.shape[0], golden.shape[2]],
    labels: Int32Array.from(golden.labels),
  };
  expect(float(of(accuracy(), flat))).toBe(golden.micro['1']);
  expect(float(of(exactMatch(), flat))).toBe(golden.exactMatch);
  expect(of(meanLoss({ per: 'example' }), flat)).toBeCloseTo(golden.lossPerPlace, 12);
});

it('the goldens show where exactMatch leaves torchmetrics: wholly ignored pictures count as matches there', () => {
  const differing = goldens.cases.filter((golden) => golden.exactMatch > golden.exactMatchWithoutIgnoredExamples);
  expect(differing.map(({ name }) => name)).toEqual(['a class as padding', 'whole pictures of padding']);
});

it('CharErrorRate and WordErrorRate', () => {
  const { expected, predicted, ...rates } = goldens.texts;
  expect(float(of(characterErrorRate(), { expected, predicted }))).toBe(rates.characterErrorRate);
  expect(float(of(wordErrorRate(), { expected, predicted }))).toBe(rates.wordErrorRate);
});
