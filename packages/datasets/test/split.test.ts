import { splitByPicture, splitByString } from '@proj/datasets';
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

/** Pictures of eight classes of different sizes, three copies of each source. */
const copies = [3, 6, 9, 12, 30, 60, 90, 150].flatMap((count, label) =>
  Array.from({ length: count }, (_, k) => ({
    path: `/data/set/${label}/${Math.floor(k / 3)}-${k % 3}.png`,
    label,
  })),
);
const sourceOf = ({ path }: { path: string }) => path.replace(/-[0-9]\.png$/, '');

describe('splitByPicture', () => {
  it('puts every picture into one part, and no group into two', () => {
    const group = fc.option(fc.constant(sourceOf), { nil: undefined });
    fc.assert(
      fc.property(group, fc.boolean(), fc.integer(), (group, stratify, seed) => {
        const parts = Object.values(splitByPicture(copies, { fractions, seed, group, stratify }));
        expect(parts.flat().sort((a, b) => copies.indexOf(a) - copies.indexOf(b))).toEqual(copies);
        if (group === undefined) return;
        const sources = parts.map((part) => new Set(part.map(group)));
        expect(new Set(sources.flatMap((each) => [...each])).size).toBe(sources.reduce((n, { size }) => n + size, 0));
      }),
      { numRuns: 30 },
    );
  });

  it('gives every class its fractions, to one group, where asked', () => {
    for (const [group, size] of [
      [undefined, 1],
      [sourceOf, 3],
    ] as const) {
      for (let seed = 0; seed < 20; seed++) {
        const parts = splitByPicture(copies, { fractions, seed, group, stratify: true });
        for (const [name, part] of Object.entries(parts)) {
          for (let label = 0; label < 8; label++) {
            const all = copies.filter((sample) => sample.label === label).length;
            const count = part.filter((sample) => sample.label === label).length;
            expect(Math.abs(count - all * fractions[name as keyof typeof fractions])).toBeLessThan(size * (1 + 1e-9));
          }
        }
      }
    }
  });

  it('lets chance decide where small classes go, so that parts have their size on average', () => {
    const few = Array.from({ length: 300 }, (_, k) => ({ name: `picture ${k}`, label: Math.floor(k / 3) }));
    const sizes = Array.from({ length: 20 }, (_, seed) => {
      const { test } = splitByPicture(few, { fractions: { train: 0.9, test: 0.1 }, seed, stratify: true });
      return test.length;
    });
    const mean = sizes.reduce((a, b) => a + b) / sizes.length;
    // 100 classes, 0.3 expected in each: standard deviation of a sum 4.6, of the mean of 20 sums 1.02.
    expect(Math.abs(mean - 30)).toBeLessThan(4 * 1.03);
  });

  it('depends neither on the order of the pictures nor on where the folder lies', () => {
    const names = ({ train }: { train: readonly { path: string }[] }) =>
      train.map(({ path }) => path.replace(/^.*set/, '')).sort();
    const options = { fractions, seed: 5, stratify: true };
    const first = names(splitByPicture(copies, options));
    const moved = copies.map(({ path, label }) => ({ path: path.replace('/data', '/another/place'), label }));
    expect(names(splitByPicture(moved.reverse(), options))).toEqual(first);
    expect(names(splitByPicture(copies, { ...options, seed: 6 }))).not.toEqual(first);
  });

  it('refuses what it cannot tell apart or divide', () => {
    const options = { fractions: { a: 0.5, b: 0.5 }, seed: 1 };
    expect(() => splitByPicture([{ label: 1 }, { label: 2 }], options)).toThrow(
      expect.objectContaining({ code: 'missing-group' }),
    );
    const mixed = [
      { path: '/x/1-0.png', label: 0 },
      { path: '/x/1-1.png', label: 1 },
    ];
    expect(() => splitByPicture(mixed, { ...options, group: sourceOf, stratify: true })).toThrow(
      expect.objectContaining({ code: 'mixed-group' }),
    );
    expect(() => splitByPicture(mixed, { ...options, group: sourceOf })).toThrow(
      expect.objectContaining({ code: 'empty-part' }),
    );
    expect(() => splitByPicture(copies, { ...options, fractions: { a: 1, b: 1 } })).toThrow(
      expect.objectContaining({ code: 'invalid-fractions' }),
    );
  });
});
