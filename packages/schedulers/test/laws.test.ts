import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  constant,
  cosine,
  cosineWarmRestarts,
  cyclic,
  exponential,
  fromJSON,
  join,
  linear,
  multiStep,
  oneCycle,
  polynomial,
  type Schedule,
  scale,
  step,
  warmup,
} from '../src/index.js';

const rate = fc.double({ min: 1e-6, max: 10, noNaN: true });
const length = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0.01, max: 1000, noNaN: true }));
const share = fc.double({ min: 0, max: 1, noNaN: true });
const position = fc.oneof(fc.nat(1_000_000), fc.double({ min: 0, max: 1e6, noNaN: true }));
const gamma = fc.double({ min: 0.01, max: 1, noNaN: true });

/** Every kind of schedule; the composed ones over the simple ones. */
const simple: fc.Arbitrary<Schedule> = fc.oneof(
  rate.map((value) => constant({ value })),
  fc.record({ from: rate, to: rate, steps: length }).map(linear),
  fc.record({ from: rate, to: rate, steps: length }).map(cosine),
  fc.record({ from: rate, to: rate, steps: length, power: rate }).map(polynomial),
  fc.record({ initial: rate, stepSize: length, gamma }).map(step),
  fc.record({ initial: rate, milestones: fc.array(fc.nat(1000)), gamma }).map(multiStep),
  fc.record({ initial: rate, stepSize: length, gamma }).map(exponential),
  fc
    .record({
      from: rate,
      steps: length,
      tMult: fc.constantFrom(1, 1.5, 2),
      decay: gamma,
      cycles: fc.constantFrom(undefined, 1, 3),
    })
    .map(cosineWarmRestarts),
  fc
    .record({
      from: rate,
      peak: rate,
      stepsUp: length,
      stepsDown: length,
      mode: fc.constantFrom('triangular' as const, 'triangular2' as const, 'expRange' as const),
      gamma,
    })
    .map(cyclic),
  fc
    .record({
      peak: rate,
      steps: length,
      warmupFraction: fc.double({ min: 0, max: 0.5, noNaN: true }),
      anneal: fc.constantFrom('cosine' as const, 'linear' as const),
      phases: fc.constantFrom(2 as const, 3 as const),
    })
    .map(oneCycle),
);
const any: fc.Arbitrary<Schedule> = fc.oneof(
  simple,
  fc.record({ steps: fc.oneof(fc.constant(0), length), from: rate, schedule: simple }).map(warmup),
  fc.record({ steps: length, to: rate }).map(warmup),
  fc.array(fc.record({ schedule: simple, steps: length }), { minLength: 1, maxLength: 4 }).map(join),
  fc.tuple(simple, rate).map(([schedule, factor]) => scale(schedule, factor)),
);

describe('every schedule', () => {
  it('depends on nothing but the position', () => {
    fc.assert(
      fc.property(any, fc.array(position, { minLength: 1 }), (schedule, positions) => {
        const first = positions.map((p) => schedule(p));
        const backwards = [...positions].reverse().map((p) => schedule(p));
        expect(backwards.reverse()).toEqual(first);
        expect(first.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it('is the same after a way through JSON text', () => {
    fc.assert(
      fc.property(any, fc.array(position, { minLength: 1 }), (schedule, positions) => {
        const again = fromJSON(JSON.parse(JSON.stringify(schedule)));
        expect(positions.map((p) => again(p))).toEqual(positions.map((p) => schedule(p)));
        expect(again.toJSON()).toEqual(schedule.toJSON());
      }),
    );
  });

  it('refuses a position that is none', () => {
    fc.assert(
      fc.property(any, fc.constantFrom(-1, -1e-9, Number.NaN, Number.POSITIVE_INFINITY), (schedule, p) => {
        expect(() => schedule(p)).toThrow(expect.objectContaining({ code: 'invalid-position', received: String(p) }));
      }),
    );
  });
});

describe.each([
  ['linear', linear],
  ['cosine', cosine],
  ['polynomial', polynomial],
] as const)('%s', (_, make) => {
  it('starts at from, ends at to exactly, holds it, and never leaves the way between', () => {
    fc.assert(
      fc.property(rate, rate, length, share, (from, to, steps, t) => {
        const schedule = make({ from, to, steps });
        expect(schedule(0)).toBeCloseTo(from, 14);
        expect([schedule(steps), schedule(steps * 1.5), schedule(steps + 1e6)].map((v) => Math.abs(v - to))).toEqual([
          0, 0, 0,
        ]);
        const value = schedule(t * steps);
        expect(value).toBeGreaterThanOrEqual(Math.min(from, to) - 1e-15 * Math.max(from, to));
        expect(value).toBeLessThanOrEqual(Math.max(from, to) * (1 + 1e-15));
      }),
    );
  });

  it('moves one way only', () => {
    fc.assert(
      fc.property(rate, rate, length, share, share, (from, to, steps, a, b) => {
        const schedule = make({ from, to, steps });
        const [early, late] = a < b ? [a, b] : [b, a];
        const way = (schedule(late * steps) - schedule(early * steps)) * Math.sign(to - from);
        expect(way).toBeGreaterThanOrEqual(-4e-16 * Math.max(from, to));
      }),
    );
  });

  it('is the same curve over steps, epochs and a fraction', () => {
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 1, max: 100_000 }), share, (from, to, steps, t) => {
        const overSteps = make({ from, to, steps })(t * steps);
        const overFraction = make({ from, to, steps: 1 })((t * steps) / steps);
        expect(Math.abs(overSteps - overFraction)).toBeLessThanOrEqual(1e-14 * Math.max(from, to));
      }),
    );
  });
});

it('cosine is symmetric about its middle', () => {
  fc.assert(
    fc.property(rate, rate, length, share, (from, to, steps, t) => {
      const schedule = cosine({ from, to, steps });
      const sum = schedule(t * steps) + schedule((1 - t) * steps);
      expect(Math.abs(sum - (from + to))).toBeLessThanOrEqual(1e-14 * (from + to));
    }),
  );
});

it('step and multiStep agree where the milestones are evenly spaced', () => {
  fc.assert(
    fc.property(rate, gamma, fc.integer({ min: 1, max: 50 }), fc.nat(500), (initial, g, stepSize, p) => {
      const milestones = Array.from({ length: 500 }, (_, i) => (i + 1) * stepSize);
      expect(multiStep({ initial, milestones, gamma: g })(p)).toBe(step({ initial, stepSize, gamma: g })(p));
    }),
  );
});

it('exponential meets step at every change', () => {
  fc.assert(
    fc.property(rate, gamma, fc.integer({ min: 1, max: 50 }), fc.nat(50), (initial, g, stepSize, k) => {
      const options = { initial, stepSize, gamma: g };
      expect(exponential(options)(k * stepSize)).toBe(step(options)(k * stepSize));
    }),
  );
});

it('a cycle with restarts is a cosine of its own length from its own start', () => {
  fc.assert(
    fc.property(
      rate,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 3 }),
      gamma,
      fc.nat(4),
      share,
      (from, steps, tMult, decay, cycle, t) => {
        const schedule = cosineWarmRestarts({ from, to: 1e-7, steps, tMult, decay, cycles: 5 });
        const lengths = Array.from({ length: 5 }, (_, i) => steps * tMult ** i);
        const start = lengths.slice(0, cycle).reduce((sum, n) => sum + n, 0);
        const offset = Math.min(t, 0.999) * lengths[cycle]!;
        const alone = cosine({ from: from * decay ** cycle, to: 1e-7, steps: lengths[cycle]! });
        expect(Math.abs(schedule(start + offset) - alone(offset))).toBeLessThanOrEqual(1e-12 * from);
        expect(schedule(start)).toBe(from * decay ** cycle);
        expect(schedule(lengths.reduce((sum, n) => sum + n, 0))).toBe(1e-7);
      },
    ),
  );
});

it('oneCycle over steps is optax.cosine_onecycle_schedule', () => {
  const [peak, steps, fraction] = [0.1, 1000, 0.3];
  const schedule = oneCycle({ peak, steps, warmupFraction: fraction });
  const between = (start: number, end: number, pct: number) =>
    end + ((start - end) / 2) * (Math.cos(Math.PI * pct) + 1);
  for (let p = 0; p <= steps; p++) {
    const optax =
      p < 300 ? between(peak / 25, peak, p / 300) : between(peak, peak / 25 / 1e4, (p - 300) / (steps - 300));
    expect(Math.abs(schedule(p) - optax)).toBeLessThanOrEqual(1e-15);
  }
});

it('warm-up is a line into the schedule and the schedule after it', () => {
  fc.assert(
    fc.property(simple, rate, fc.integer({ min: 0, max: 1000 }), fc.nat(5000), (schedule, from, steps, p) => {
      const warmed = warmup({ steps, from, schedule });
      const expected =
        p < steps ? linear({ from, to: schedule(0), steps: Math.max(steps, 1) })(p) : schedule(p - steps);
      expect(warmed(p)).toBe(expected);
    }),
  );
});

describe('join', () => {
  it('gives each part its own positions and holds the end of the last', () => {
    const parts = fc.array(fc.record({ schedule: simple, steps: fc.integer({ min: 0, max: 500 }) }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(parts, fc.nat(3000), (list, p) => {
        const joined = join(list);
        let start = 0;
        let expected: number | undefined;
        for (const { schedule, steps } of list) {
          if (p >= start && p < start + steps) expected = schedule(p - start);
          start += steps;
        }
        const last = list.at(-1)!;
        expect(joined(p)).toBe(expected ?? last.schedule(last.steps));
      }),
    );
  });

  it('goes on without end where the last part has no length', () => {
    const joined = join([
      { schedule: constant({ value: 1 }), steps: 10 },
      { schedule: step({ initial: 2, stepSize: 5, gamma: 0.5 }) },
    ]);
    expect([9, 10, 14, 15, 110].map(joined)).toEqual([1, 2, 2, 1, 2 * 0.5 ** 20]);
    expect(JSON.stringify(joined)).not.toContain('null');
  });

  it('nests: joining joins is joining their parts', () => {
    const a = linear({ from: 0, to: 1, steps: 10 });
    const b = cosine({ from: 1, to: 0, steps: 20 });
    const c = constant({ value: 3 });
    const nested = join([
      {
        schedule: join([
          { schedule: a, steps: 10 },
          { schedule: b, steps: 20 },
        ]),
        steps: 30,
      },
      { schedule: c, steps: 5 },
    ]);
    const flat = join([
      { schedule: a, steps: 10 },
      { schedule: b, steps: 20 },
      { schedule: c, steps: 5 },
    ]);
    for (let p = 0; p < 40; p++) expect(nested(p)).toBe(flat(p));
  });
});

it('scale multiplies', () => {
  fc.assert(
    fc.property(simple, rate, position, (schedule, factor, p) => {
      expect(scale(schedule, factor)(p)).toBe(factor * schedule(p));
    }),
  );
});
