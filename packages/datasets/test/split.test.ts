import { splitByString } from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const samples = (labels: readonly string[]) => labels.map((label, id) => ({ id, label }));
const many = samples(Array.from({ length: 1000 }, (_, i) => `label ${i % 400}`));
const fractions = { train: 0.8, validation: 0.1, test: 0.1 };

/** Enough different labels for every part to get one, in any number and order. */
const labels = fc
  .uniqueArray(fc.string({ maxLength: 6 }), { minLength: 30, maxLength: 60 })
  .chain((unique) =>
    fc
      .array(fc.constantFrom(...unique), { maxLength: 60 })
      .chain((more) => fc.shuffledSubarray([...unique, ...more], { minLength: unique.length + more.length })),
  );

describe('splitByString', () => {
  it('puts every sample into one part, and no label into two', () => {
    fc.assert(
      fc.property(labels, fc.integer(), (texts, seed) => {
        const all = samples(texts);
        const parts = Object.values(splitByString(all, { fractions: { a: 0.5, b: 0.5 }, seed }));
        expect(
          parts
            .flat()
            .map(({ id }) => id)
            .sort((a, b) => a - b),
        ).toEqual(all.map(({ id }) => id));
        const [a, b] = parts.map((part) => new Set(part.map(({ label }) => label)));
        expect([...a!].filter((label) => b!.has(label))).toEqual([]);
      }),
    );
  });

  it('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(labels, fc.integer(), (texts, seed) => {
        const ids = (all: readonly { id: number; label: string }[]) =>
          splitByString(all, { fractions: { a: 0.5, b: 0.5 }, seed })
            .a.map(({ id }) => id)
            .sort((x, y) => x - y);
        expect(ids(samples(texts).reverse())).toEqual(ids(samples(texts)));
      }),
    );
  });

  it('comes as near to the fractions as whole labels allow', () => {
    const { train, validation, test } = splitByString(many, { fractions, seed: 1 });
    expect(Math.abs(train.length - 800)).toBeLessThanOrEqual(2);
    expect(Math.abs(validation.length - 100)).toBeLessThanOrEqual(3);
    expect(Math.abs(test.length - 100)).toBeLessThanOrEqual(2);
  });

  it('keeps the order within a part, and repeats itself', () => {
    const first = splitByString(many, { fractions, seed: 7 });
    expect(splitByString(many, { fractions, seed: 7 })).toEqual(first);
    expect(first.train.map(({ id }) => id)).toEqual(first.train.map(({ id }) => id).sort((a, b) => a - b));
    expect(splitByString(many, { fractions, seed: 8 })).not.toEqual(first);
  });

  it('moves few labels when pictures are added', () => {
    const before = new Set(splitByString(many, { fractions, seed: 3 }).train.map(({ label }) => label));
    const grown = [...many, ...samples(Array.from({ length: 50 }, (_, i) => `new ${i}`))];
    const after = new Set(splitByString(grown, { fractions, seed: 3 }).train.map(({ label }) => label));
    const moved = [...new Set(many.map(({ label }) => label))].filter(
      (label) => before.has(label) !== after.has(label),
    );
    expect(moved.length).toBeLessThan(20); // of 400; an independent split moves 128 on average
  });

  it('refuses fractions that do not make 1', () => {
    for (const wrong of [{ a: 0.5, b: 0.4 }, { a: 1.5, b: -0.5 }, { a: 1, b: 0 }, { a: Number.NaN }, {}]) {
      expect(() => splitByString(many, { fractions: wrong as Record<string, number>, seed: 1 })).toThrow(
        expect.objectContaining({ code: 'invalid-fractions' }),
      );
    }
  });

  it('refuses to leave a part empty', () => {
    const one = samples(['same', 'same', 'same']);
    for (const all of [one, []]) {
      expect(() => splitByString(all, { fractions: { a: 0.5, b: 0.5 }, seed: 1 })).toThrow(
        expect.objectContaining({ code: 'empty-part' }),
      );
    }
  });
});
