import { checkOptionNames, ProjError } from '@proj/core';

/** Marks an option that has no default. */
export const required: unique symbol = Symbol('required');

export type Defaults<O> = { readonly [K in keyof O]-?: Exclude<O[K], undefined> | typeof required };

/** Options with nothing left out. */
export type Resolved<O> = { readonly [K in keyof O]-?: Exclude<O[K], undefined> };

/** One number, or the two ends of a range from which one is drawn. */
export type NumberOrRange = number | readonly [low: number, high: number];

export type Range = readonly [low: number, high: number];

/** @throws ProjError `unknown-option` or `missing-option`. */
export function resolveOptions<O extends object>(name: string, defaults: Defaults<O>, given: O): Resolved<O> {
  checkOptionNames(name, given, defaults);
  const options = { ...defaults, ...withoutUndefined(given) } as Record<string, unknown>;
  for (const key of Object.keys(defaults)) {
    if (options[key] !== required) continue;
    throw new ProjError(`${name} needs the option \`${key}\``, { code: 'missing-option', expected: `\`${key}\`` });
  }
  return options as Resolved<O>;
}

function withoutUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

export function invalidOption(name: string, option: string, expected: string, received: unknown): ProjError {
  return new ProjError(`Invalid \`${option}\` of ${name}`, {
    code: 'invalid-option',
    expected,
    received: JSON.stringify(received) ?? String(received),
  });
}

/** Limits of a number that an option or a parameter may have. */
interface Limits {
  readonly min?: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/** @throws ProjError `invalid-option` */
export function checkNumber(name: string, option: string, value: unknown, limits: Limits = {}): number {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, integer = false } = limits;
  if (
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= min &&
    value <= max &&
    (!integer || Number.isInteger(value))
  )
    return value;
  throw invalidOption(name, option, describe({ min, max, integer }), value);
}

/** A number becomes a range of that number alone. @throws ProjError `invalid-option` unless low <= high within the limits. */
export function rangeOf(name: string, option: string, value: NumberOrRange, limits: Limits = {}): Range {
  const [low, high] = Array.isArray(value) ? value : [value, value];
  if (Array.isArray(value) && (value.length !== 2 || !(low <= high))) {
    throw invalidOption(name, option, 'a number, or two of which the first is not the greater', value);
  }
  return [checkNumber(name, option, low, limits), checkNumber(name, option, high, limits)];
}

/** As torchvision's `degrees`: a number stands for all between its negative and itself. */
export function symmetricRange(name: string, option: string, value: NumberOrRange, limits: Limits = {}): Range {
  return typeof value === 'number'
    ? rangeOf(name, option, [-checkNumber(name, option, value, { min: 0 }), value], limits)
    : rangeOf(name, option, value, limits);
}

/** `[height, width]` of a size in torchvision's manner: two numbers, or one for both. */
export function sizeOf(name: string, option: string, value: number | readonly [number, number]): Range {
  const [height, width] = typeof value === 'number' ? [value, value] : Array.isArray(value) ? value : [value, value];
  if (Array.isArray(value) && value.length !== 2) throw invalidOption(name, option, '[height, width]', value);
  const limits = { min: 1, integer: true };
  return [checkNumber(name, option, height as number, limits), checkNumber(name, option, width as number, limits)];
}

/** @throws ProjError `invalid-option` */
export function checkOneOf<T extends string | number>(
  name: string,
  option: string,
  value: T,
  choices: readonly T[],
): T {
  if (choices.includes(value)) return value;
  throw invalidOption(name, option, `one of ${choices.join(', ')}`, value);
}

/** @throws ProjError `invalid-option` unless it is a number or a list of numbers. */
export function checkNumbers(name: string, option: string, value: number | readonly number[]): void {
  for (const each of [value].flat()) checkNumber(name, option, each);
}

function describe({ min, max, integer }: Required<Limits>): string {
  const kind = integer ? 'an integer' : 'a number';
  if (min > Number.NEGATIVE_INFINITY && max < Number.POSITIVE_INFINITY) return `${kind} of ${min} to ${max}`;
  if (min > Number.NEGATIVE_INFINITY) return `${kind} of at least ${min}`;
  if (max < Number.POSITIVE_INFINITY) return `${kind} of at most ${max}`;
  return kind;
}
