import { ProjError } from '@proj/core';
import type { Schedule } from './schedule.js';

/** What a number must be besides finite, and in which words an error says so. */
const rules = {
  finite: { holds: () => true, words: 'a finite number' },
  positive: { holds: (value: number) => value > 0, words: 'a finite number > 0' },
  notNegative: { holds: (value: number) => value >= 0, words: 'a finite number >= 0' },
  count: { holds: (value: number) => Number.isInteger(value) && value >= 1, words: 'an integer >= 1' },
  atLeastOne: { holds: (value: number) => value >= 1, words: 'a finite number >= 1' },
  fraction: { holds: (value: number) => value >= 0 && value <= 1, words: 'a number in 0..1' },
  positiveFraction: { holds: (value: number) => value > 0 && value <= 1, words: 'a number > 0 and <= 1' },
  shrinking: { holds: (value: number) => value >= 0 && value < 1, words: 'a number >= 0 and < 1' },
} as const;

/**
 * Checks the numbers among a function's options.
 * @throws ProjError `invalid-option` that names function, option and rule.
 */
export function checkNumbers(
  owner: string,
  options: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, keyof typeof rules>>,
): void {
  for (const [name, rule] of Object.entries(wanted)) {
    const value = options[name];
    const { holds, words } = rules[rule];
    if (typeof value !== 'number' || !Number.isFinite(value) || !holds(value)) {
      throw invalidOption(owner, name, words, value);
    }
  }
}

/** @throws ProjError `invalid-option` unless `value` is one of `allowed`. */
export function checkChoice(owner: string, name: string, value: unknown, allowed: readonly unknown[]): void {
  if (!allowed.includes(value)) {
    throw invalidOption(owner, name, `one of ${allowed.map((choice) => JSON.stringify(choice)).join(', ')}`, value);
  }
}

/** @throws ProjError `invalid-option` unless `value` was made by this package (a bare function has no description). */
export function checkSchedule(owner: string, name: string, value: unknown): asserts value is Schedule {
  if (typeof value !== 'function' || typeof (value as Partial<Schedule>).toJSON !== 'function') {
    throw invalidOption(
      owner,
      name,
      'a schedule made by this package, which can be written as JSON',
      typeof value === 'function' ? 'a bare function' : value,
      'Build it from the schedules of this package, or write one function that calls both',
    );
  }
}

export function invalidOption(
  owner: string,
  name: string,
  expected: string,
  received: unknown,
  fix?: string,
): ProjError {
  return new ProjError(`${owner}: invalid option ${name}`, {
    code: 'invalid-option',
    expected: `${name} to be ${expected}`,
    received: typeof received === 'string' ? received : show(received),
    ...(fix === undefined ? {} : { fix }),
  });
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
