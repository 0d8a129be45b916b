import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlateauOptions, plateau } from '../src/index.js';

const metric = fc.oneof(
  { weight: 9, arbitrary: fc.double({ min: -5, max: 5, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);
const metrics = fc.array(metric, { maxLength: 80 });
const options: fc.Arbitrary<PlateauOptions> = fc.record({
  initial: fc.constant(1),
  factor: fc.constantFrom(0.1, 0.5, 0.9),
  patience: fc.nat(4),
  threshold: fc.constantFrom(0, 1e-4, 0.1),
  thresholdMode: fc.constantFrom('rel' as const, 'abs' as const),
  cooldown: fc.nat(3),
  min: fc.constantFrom(0, 0.05),
  eps: fc.constantFrom(0, 1e-8, 0.01),
  mode: fc.constantFrom('min' as const, 'max' as const),
});

describe('plateau', () => {
  it('goes on from a saved state as if it had never stopped', () => {
    fc.assert(
      fc.property(options, metrics, metrics, (opts, before, after) => {
        const whole = plateau(opts);
        for (const m of before) whole.observe(m);
        const saved = JSON.parse(JSON.stringify(whole));
        expect(saved).toEqual(whole.toJSON());
        const resumed = plateau(opts, saved);
        expect(after.map((m) => resumed.observe(m))).toEqual(after.map((m) => whole.observe(m)));
        expect(resumed.toJSON()).toEqual(whole.toJSON());
      }),
      { examples: [[{ initial: 1 }, [-0], [0]]] },
    );
  });

  it('never rises, never goes below min, and reports every change', () => {
    fc.assert(
      fc.property(options, metrics, (opts, list) => {
        const rate = plateau(opts);
        for (const m of list) {
          const change = rate.observe(m);
          expect(change.to).toBe(rate.value);
          expect(change.reduced).toBe(change.to !== change.from);
          expect(change.to).toBeLessThanOrEqual(change.from);
          expect(change.to).toBeGreaterThanOrEqual(opts.min!);
        }
      }),
    );
  });

  it('is the same for a metric and mode turned round, positive or negative', () => {
    fc.assert(
      fc.property(options, metrics, (opts, list) => {
        const one = plateau({ ...opts, mode: 'min' });
        const other = plateau({ ...opts, mode: 'max' });
        expect(list.map((m) => one.observe(m).to)).toEqual(list.map((m) => other.observe(-m).to));
      }),
    );
  });

  it('with threshold 0 never takes a worse metric for a better one', () => {
    fc.assert(
      fc.property(options, metrics, (opts, list) => {
        const rate = plateau({ ...opts, threshold: 0, mode: 'min' });
        for (const m of list) rate.observe(m);
        const finite = list.filter(Number.isFinite);
        expect(rate.toJSON().best).toBe(finite.length === 0 ? null : Math.min(...finite) + 0);
      }),
    );
  });

  it('says why, in words for a log', () => {
    const rate = plateau({ initial: 0.001, factor: 0.5, patience: 1, cooldown: 1, min: 0.0005 });
    const seen = [0.5, Number.NaN, 0.6, 0.7, 0.8, 0.9, 0.1].map((m) => rate.observe(m).reason);
    expect(seen).toEqual([
      'improved to 0.5',
      'no improvement on 0.5 for 1 observation, patience is 1',
      'no improvement on 0.5 for 2 observations',
      'cooling down, 0 observations left',
      'no improvement on 0.5 for 1 observation, patience is 1',
      'no improvement on 0.5 for 2 observations, but 0.0005 is as low as it goes',
      'improved to 0.1',
    ]);
    expect(plateau({ initial: 1 }).observe(Number.NaN).reason).toContain('any finite metric');
  });

  it('has the defaults of torch', () => {
    expect(plateau({ initial: 1, patience: undefined }).options).toEqual({
      initial: 1,
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      min: 0,
      eps: 1e-8,
      mode: 'min',
    });
  });

  it.each([
    [{ value: Number.NaN, best: 1, badObservations: 0, cooldownLeft: 0 }],
    [{ value: 1, best: undefined, badObservations: 0, cooldownLeft: 0 }],
    [{ value: 1, best: 1, badObservations: -1, cooldownLeft: 0 }],
    [{ value: 1, best: 1, badObservations: 0 }],
    [{}],
  ])('refuses the state %j', (state) => {
    expect(() => plateau({ initial: 1 }, state as never)).toThrow(expect.objectContaining({ code: 'invalid-state' }));
  });
});
