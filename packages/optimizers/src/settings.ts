import { ProjError } from '@proj/core';
import type { ParameterGroup } from './groups.js';

/** A range of numbers in words, and its test. */
export interface NumberRange {
  readonly words: string;
  readonly holds: (value: number) => boolean;
}

export const atLeastZero: NumberRange = { words: 'a finite number >= 0', holds: (x) => x >= 0 && x < Infinity };
export const aboveZero: NumberRange = { words: 'a finite number > 0', holds: (x) => x > 0 && x < Infinity };
export const belowOne: NumberRange = { words: 'a number in [0, 1)', holds: (x) => x >= 0 && x < 1 };

/** @throws ProjError `invalid-option` when `value` is outside `range`. */
export function assertSetting(optimizer: string, setting: string, value: number, range: NumberRange): void {
  if (typeof value === 'number' && range.holds(value)) return;
  throw new ProjError(`Cannot make ${optimizer} with this ${setting}`, {
    code: 'invalid-option',
    expected: `${setting} to be ${range.words}`,
    received: String(value),
  });
}

/** @throws ProjError `invalid-option` when a group's number is negative or not finite. */
export function assertGroups(optimizer: string, groups: readonly ParameterGroup[]): void {
  groups.forEach(({ learningRateScale = 1, weightDecay = 0 }, i) => {
    assertSetting(optimizer, `groups[${i}].learningRateScale`, learningRateScale, atLeastZero);
    assertSetting(optimizer, `groups[${i}].weightDecay`, weightDecay, atLeastZero);
  });
}
