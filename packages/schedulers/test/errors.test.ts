import { isProjError } from '@proj/core';
import { describe, expect, it } from 'vitest';
import {
  constant,
  cosine,
  cosineWarmRestarts,
  cyclic,
  fromJSON,
  join,
  linear,
  multiStep,
  oneCycle,
  plateau,
  scale,
  step,
  warmup,
} from '../src/index.js';

/** As a caller without types passes it. */
// biome-ignore lint/suspicious/noExplicitAny: the point is to get past the type checker
const untyped = (value: unknown): any => value;

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isProjError(error)) return `${error.code} | ${error.message}`;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const schedule = constant({ value: 1 });

describe('an option that is wrong is named, with what was wanted and what came', () => {
  it.each([
    [
      () => linear({ from: 0, to: 1, steps: 0 }),
      'linear: invalid option steps. Expected steps to be a finite number > 0. Received 0.',
    ],
    [
      () => cosine(untyped({ from: 0.1, steps: 10 })),
      'cosine: invalid option to. Expected to to be a finite number. Received undefined.',
    ],
    [
      () => cosine(untyped({ from: '0.1', to: 0, steps: 10 })),
      'invalid option from. Expected from to be a finite number. Received 0.1.',
    ],
    [() => step({ initial: 1, stepSize: 10, gamma: Number.NaN }), 'step: invalid option gamma'],
    [() => multiStep({ initial: 1, milestones: [1, -2], gamma: 1 }), 'Received [1,-2].'],
    [() => cosineWarmRestarts({ from: 1, steps: 1, tMult: 0.5 }), 'Expected tMult to be a finite number >= 1.'],
    [() => cosineWarmRestarts({ from: 1, steps: 1, decay: 2 }), 'Expected decay to be a number > 0 and <= 1.'],
    [() => cosineWarmRestarts({ from: 1, steps: 1, cycles: 1.5 }), 'Expected cycles to be an integer >= 1.'],
    [
      () => cyclic(untyped({ from: 0, peak: 1, stepsUp: 1, mode: 'exp_range' })),
      '"triangular", "triangular2", "expRange"',
    ],
    [() => oneCycle({ peak: 1, steps: 10, warmupFraction: 1.1 }), 'Expected warmupFraction to be a number in 0..1.'],
    [() => oneCycle({ peak: 1, steps: 10, warmupFraction: 0.05, endsOnLastStep: true }), 'at least 1 / steps (0.1)'],
    [() => oneCycle({ peak: 1, steps: 10, warmupFraction: 0.6, phases: 3 }), 'at most 0.5 with three phases'],
    [() => oneCycle(untyped({ peak: 1, steps: 10, phases: 4 })), 'one of 2, 3'],
    [() => warmup(untyped({ steps: 5 })), 'warmup: invalid option to'],
    [() => warmup(untyped({ steps: 5, to: 1, schedule })), 'left out where a schedule is given'],
    [() => warmup({ steps: -1, to: 1 }), 'a finite number >= 0'],
    [() => join([]), 'at least one { schedule, steps }'],
    [() => join([{ schedule }, { schedule }]), 'join, part 0: invalid option steps'],
    [() => join([{ schedule: untyped((p: number) => p), steps: 1 }]), 'Received a bare function'],
    [() => scale(schedule, Number.POSITIVE_INFINITY), 'scale: invalid option factor'],
    [() => plateau({ initial: 0.1, factor: 1 }), 'Expected factor to be a number >= 0 and < 1.'],
    [() => plateau(untyped({ initial: 0.1, mode: 'low' })), 'one of "min", "max"'],
  ])('%#', (run, text) => {
    const message = failure(run);
    expect(message).toContain('invalid-option | ');
    expect(message).toContain(text);
  });
});

describe('fromJSON', () => {
  it.each([
    [null],
    [undefined],
    [3],
    [{}],
    [{ type: 'sine' }],
    [{ type: 'toString' }],
    [{ type: 'join', parts: [null] }],
  ])('refuses %j', (json) => {
    expect(failure(() => fromJSON(untyped(json)))).toMatch(/^unknown-schedule \| .*constant, linear, cosine/);
  });

  it('refuses an option it does not know, at any depth', () => {
    expect(failure(() => fromJSON(untyped({ type: 'cosine', from: 1, to: 0, steps: 10, kDecay: 2 })))).toMatch(
      /^unknown-option \| cosine: unknown option kDecay. Expected no other options than from, to, steps/,
    );
    const inner = { type: 'constant', value: 1, unit: 'x' };
    expect(failure(() => fromJSON(untyped({ type: 'scale', factor: 2, schedule: inner })))).toContain('unit');
    expect(failure(() => fromJSON(untyped({ type: 'join', parts: [{ schedule: inner, steps: 1 }] })))).toContain(
      'unit',
    );
    expect(
      failure(() =>
        fromJSON(untyped({ type: 'join', parts: [{ schedule: { type: 'constant', value: 1 }, length: 1 }] })),
      ),
    ).toContain('join, part 0: unknown option length');
  });

  it('refuses options as the function itself does', () => {
    expect(failure(() => fromJSON(untyped({ type: 'linear', from: 0, to: 1 })))).toContain('invalid-option | linear');
    expect(failure(() => fromJSON(untyped({ type: 'join' })))).toContain('invalid-option | join');
  });

  it('fills in defaults, and leaves out what is undefined', () => {
    expect(fromJSON({ type: 'cosineWarmRestarts', from: 1, steps: 5, cycles: undefined }).toJSON()).toEqual({
      type: 'cosineWarmRestarts',
      from: 1,
      to: 0,
      steps: 5,
      tMult: 1,
      decay: 1,
    });
  });
});
