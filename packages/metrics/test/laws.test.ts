import fc from 'fast-check';
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
  wordErrorRate,
} from '../src/index.js';

const ignoreIndex = -1;
const [positions, numClasses] = [3, 4];

/** A picture of three characters out of four classes; equal scores, padding and now and then a NaN. */
const example = fc.record({
  logits: fc.array(
    fc.oneof(
      { weight: 30, arbitrary: fc.integer({ min: -4, max: 4 }).map((n) => n / 2) },
      { weight: 1, arbitrary: fc.constant(Number.NaN) },
    ),
    { minLength: positions * numClasses, maxLength: positions * numClasses },
  ),
  labels: fc.array(fc.integer({ min: ignoreIndex, max: numClasses - 1 }), {
    minLength: positions,
    maxLength: positions,
  }),
});
type Example = typeof example extends fc.Arbitrary<infer T> ? T : never;

const eighths = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: -8000, max: 8000 }).map((n) => n / 8) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);

function collate(examples: readonly Example[]): LogitsBatch {
  return {
    logits: Float32Array.from(examples.flatMap(({ logits }) => logits)),
    shape: [examples.length, positions, numClasses],
    labels: Int32Array.from(examples.flatMap(({ labels }) => labels)),
  };
}

const logitsMetrics = [
  accuracy({ ignoreIndex }),
  accuracy({ topK: 2, average: 'macro', ignoreIndex }),
  charAccuracy({ ignoreIndex }),
  exactMatch({ ignoreIndex }),
  perPositionAccuracy({ ignoreIndex }),
  confusionMatrix({ numClasses, ignoreIndex }),
  confusionMatrix({ numClasses, ignoreIndex, normalize: 'true' }),
  meanLoss({ ignoreIndex }),
  meanLoss({ ignoreIndex, per: 'example' }),
] as Metric<unknown>[];

/** Every metric, with data and the way to make a batch of them. */
const subjects = [
  ...logitsMetrics.map((metric, i) => ({ title: `${i} ${metric.name}`, ...subject(metric, example, collate) })),
  {
    title: 'mean of one value a batch',
    ...subject(mean(), fc.record({ value: eighths, weight: fc.nat(9) }), null),
  },
  {
    title: 'characterErrorRate',
    ...subject(characterErrorRate(), fc.tuple(fc.string(), fc.string()), (pairs) => ({
      predicted: pairs.map(([text]) => text),
      expected: pairs.map(([, text]) => text),
    })),
  },
  {
    title: 'wordErrorRate',
    ...subject(wordErrorRate(), fc.tuple(fc.string(), fc.string()), (pairs) => ({
      predicted: pairs.map(([text]) => text),
      expected: pairs.map(([, text]) => text),
    })),
  },
];

/** `collate` null: a batch is one item. */
function subject<S, Item, Input>(
  metric: Metric<S, Input>,
  item: fc.Arbitrary<Item>,
  collateItems: ((items: readonly Item[]) => Input) | null,
) {
  const gather = (items: readonly Item[]): unknown =>
    collateItems === null
      ? items.reduce<S>((state, one) => metric.update(state, one as unknown as Input), metric.init())
      : metric.update(metric.init(), collateItems(items));
  return {
    metric: metric as unknown as Metric<unknown>,
    items: fc.array(item as fc.Arbitrary<unknown>, { maxLength: 12 }),
    gather: gather as (items: readonly unknown[]) => unknown,
  };
}

/**
 * Whether two states or figures hold the same numbers: counts exactly, sums of doubles (here of one sign, or of eighths)
 * up to their rounding.
 */
function isSame(actual: unknown, expected: unknown): boolean {
  if (typeof expected === 'number') {
    const difference = Math.abs((actual as number) - expected);
    return Object.is(actual, expected) || difference <= 1e-12 * Math.max(1, Math.abs(expected));
  }
  const [a, b] = [actual as Record<string, unknown>, expected as Record<string, unknown>];
  const keys = Object.keys(b);
  return Object.keys(a).length === keys.length && keys.every((key) => isSame(a[key], b[key]));
}

function expectSame(actual: unknown, expected: unknown): void {
  // The comparison by parts is what a failure shows; it costs too much to run each time.
  if (!isSame(actual, expected)) expect(actual).toEqual(expected);
}

describe.each(subjects)('$title', ({ metric, items, gather }) => {
  it('merging with the first state changes nothing, from either side', () => {
    fc.assert(
      fc.property(items, (data) => {
        const state = gather(data);
        const text = JSON.stringify(state);
        expect(JSON.stringify(metric.merge(metric.init(), state))).toBe(text);
        expect(JSON.stringify(metric.merge(state, metric.init()))).toBe(text);
      }),
    );
  });

  it('merged over any split is the whole', () => {
    fc.assert(
      fc.property(items, fc.array(fc.nat(12)), (data, cuts) => {
        const at = [0, ...cuts.filter((cut) => cut <= data.length).sort((a, b) => a - b), data.length];
        const parts = at.slice(1).map((end, i) => gather(data.slice(at[i], end)));
        const merged = parts.reduce((a, b) => metric.merge(a, b), metric.init());
        const whole = gather(data);
        expectSame(merged, whole);
        expectSame(metric.compute(merged), metric.compute(whole));
      }),
    );
  });

  it('merging is associative and commutative', () => {
    fc.assert(
      fc.property(items, items, items, (x, y, z) => {
        const [a, b, c] = [gather(x), gather(y), gather(z)];
        expectSame(metric.merge(metric.merge(a, b), c), metric.merge(a, metric.merge(b, c)));
        expectSame(metric.merge(a, b), metric.merge(b, a));
      }),
    );
  });

  it('its state survives JSON and no function changes its arguments', () => {
    fc.assert(
      fc.property(items, items, (x, y) => {
        const [a, b] = [gather(x), gather(y)];
        const before = JSON.stringify([a, b]);
        expect(JSON.parse(JSON.stringify(a))).toEqual(a);
        metric.merge(a, b);
        metric.compute(a);
        expect(JSON.stringify([a, b])).toBe(before);
      }),
    );
  });
});

it('update goes on from a state as merge does', () => {
  fc.assert(
    fc.property(fc.array(example), fc.array(example), fc.constantFrom(...logitsMetrics), (x, y, metric) => {
      const first = metric.update(metric.init(), collate(x));
      const frozen = JSON.stringify(first);
      expectSame(metric.update(first, collate(y)), metric.merge(first, metric.update(metric.init(), collate(y))));
      expect(JSON.stringify(first)).toBe(frozen);
    }),
  );
});

it('the shares agree with each other', () => {
  fc.assert(
    fc.property(fc.array(example, { minLength: 1 }), (data) => {
      const batch = collate(data);
      const of = <S>(metric: Metric<S>) => metric.compute(metric.update(metric.init(), batch));
      const perCharacter = of(charAccuracy({ ignoreIndex }));
      expect(of(accuracy({ ignoreIndex }))).toBe(perCharacter);
      expect(of(perPositionAccuracy({ ignoreIndex }))).toBe(perCharacter);
      expect(of(confusionMatrix({ numClasses, ignoreIndex }))).toBe(perCharacter);
      if (Number.isNaN(perCharacter)) return;
      // A picture needs all its characters: never more than topK = 2 gives, and all right only together.
      expect(of(accuracy({ topK: 2, ignoreIndex }))).toBeGreaterThanOrEqual(perCharacter);
      expect(of(exactMatch({ ignoreIndex })) === 1).toBe(perCharacter === 1);
      expect(of(exactMatch({ ignoreIndex })) > 0 || perCharacter < 1).toBe(true);
    }),
  );
});

it('accuracy with topK = C misses only the rows with a NaN', () => {
  fc.assert(
    fc.property(fc.array(example), (data) => {
      const batch = collate(data);
      const metric = accuracy({ topK: numClasses, ignoreIndex });
      const { correct, labelled } = metric.update(metric.init(), batch);
      const missed = labelled.reduce((sum, n) => sum + n, 0) - correct.reduce((sum, n) => sum + n, 0);
      const broken = predictedClasses(batch.logits, batch.shape).filter(
        (predicted, row) => predicted === -1 && batch.labels[row] !== ignoreIndex,
      );
      expect(missed).toBe(broken.length);
    }),
  );
});

describe('editDistance', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u{1F600}'), maxLength: 8 });

  it('is a metric: zero only for equals, symmetric, no longer by a detour', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });

  it('is the recursive definition', () => {
    const slow = (a: readonly string[], b: readonly string[]): number => {
      if (a.length === 0 || b.length === 0) return a.length + b.length;
      const [x, y] = [a.slice(1), b.slice(1)];
      return a[0] === b[0] ? slow(x, y) : 1 + Math.min(slow(x, b), slow(a, y), slow(x, y));
    };
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '\u{1F600}'), maxLength: 5 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(editDistance(a, b)).toBe(slow([...a], [...b]));
      }),
    );
  });
});

it('topConfusions lists what the matrix holds off its diagonal', () => {
  const square = fc.array(fc.array(fc.nat(5), { minLength: 4, maxLength: 4 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(square, fc.nat(20), (matrix, k) => {
      const pairs = topConfusions(matrix, 'abcd', k);
      const counts = matrix.flatMap((row, t) => row.filter((_, p) => p !== t)).filter((count) => count > 0);
      expect(pairs.map(({ count }) => count)).toEqual(counts.sort((a, b) => b - a).slice(0, k));
      for (const { truth, predicted, count } of pairs) {
        expect(matrix['abcd'.indexOf(truth)]!['abcd'.indexOf(predicted)]).toBe(count);
        expect(truth).not.toBe(predicted);
      }
    }),
  );
});
