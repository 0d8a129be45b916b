import { balancedWeights, classWeights } from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const labelled = (labels: readonly (number | string)[]) => labels.map((label) => ({ label }));
const someLabels = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 200 });

describe('classWeights', () => {
  it("are scikit-learn's balanced ones: n / (classes * count)", () => {
    // compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 0, 0, 1, 1, 2]) by its documented formula.
    expect([...classWeights(labelled([0, 0, 0, 1, 1, 2]), { numClasses: 3 })]).toEqual([6 / 9, 1, 2].map(Math.fround));
  });

  it('give every class that occurs the same share of a loss, and the mean of the samples 1', () => {
    fc.assert(
      fc.property(someLabels, (labels) => {
        const weights = classWeights(labelled(labels), { numClasses: 6 });
        const present = [...new Set(labels)];
        for (const label of present) {
          const count = labels.filter((each) => each === label).length;
          expect(weights[label]! * count).toBeCloseTo(labels.length / present.length, 3);
        }
        expect(weights.filter((weight) => weight === 0).length).toBe(6 - present.length);
      }),
    );
  });

  it('of the effective number lie between equal and balanced', () => {
    const samples = labelled([...Array(90).fill(0), ...Array(10).fill(1)]);
    expect([...classWeights(samples, { numClasses: 2, scheme: 0 })]).toEqual([1, 1]);
    const beta = 0.99;
    const raw = [90, 10].map((count) => (1 - beta) / (1 - beta ** count));
    const scale = 2 / (raw[0]! + raw[1]!);
    expect([...classWeights(samples, { numClasses: 2, scheme: beta })]).toEqual(raw.map((w) => Math.fround(w * scale)));
    const [common, rare] = classWeights(samples, { numClasses: 2, scheme: 1 - 1e-9 });
    expect(rare! / common!).toBeCloseTo(9, 3);
  });

  it('refuse labels that are no classes, and options that make no sense', () => {
    for (const label of [3, -1, 0.5, 'a'])
      expect(() => classWeights(labelled([label]), { numClasses: 3 })).toThrow(
        expect.objectContaining({ code: 'unknown-class' }),
      );
    for (const options of [{ numClasses: 0 }, { numClasses: 2, scheme: 1 }, { numClasses: 2, scheme: Number.NaN }])
      expect(() => classWeights(labelled([0]), options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(() => classWeights([], { numClasses: 2 })).toThrow(expect.objectContaining({ code: 'empty-source' }));
  });
});

describe('balancedWeights', () => {
  it('give every label the same total', () => {
    fc.assert(
      fc.property(someLabels, (labels) => {
        const weights = balancedWeights(labelled(labels));
        for (const label of new Set(labels)) {
          const total = labels.reduce((sum, each, k) => sum + (each === label ? weights[k]! : 0), 0);
          expect(total).toBeCloseTo(1, 9);
        }
      }),
    );
    expect([...balancedWeights(labelled(['a', 'b', 'a', 'a']))]).toEqual([1 / 3, 1, 1 / 3, 1 / 3]);
  });
});
