import { ProjError } from '@proj/core';

/** What citty makes of a command line. */
export type Arguments = Record<string, unknown> & { readonly _: string[] };

/** The one value of an option; undefined where it is not given. */
export function text(args: Arguments, name: string): string | undefined {
  const value = args[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw invalid(name, 'one value', value === '' ? 'none' : String(value));
}

/** All values of an option that may be repeated. */
export function list(args: Arguments, name: string): string[] | undefined {
  const value = args[name];
  if (value === undefined) return undefined;
  return [value].flat().map((item) => text({ _: [], [name]: item }, name)!);
}

export function number(args: Arguments, name: string): number | undefined {
  const value = text(args, name);
  return value === undefined ? undefined : parseNumber(name, value, 'a number');
}

/** `n`, or `least-most`. */
export function range(args: Arguments, name: string): readonly [number, number] | undefined {
  const value = text(args, name);
  if (value === undefined) return undefined;
  const expected = 'a number, or the least and the most as in 4-6';
  const [least = '', most = least, ...more] = value.split('-');
  if (more.length > 0) throw invalid(name, expected, value);
  return [parseNumber(name, least, expected), parseNumber(name, most, expected)];
}

function parseNumber(name: string, value: string, expected: string): number {
  const parsed = value.trim() === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(parsed)) throw invalid(name, expected, value);
  return parsed;
}

/** @throws ProjError `unknown-option`: citty takes any option without a word; a misspelt one must not pass. */
export function checkNames(args: Arguments, options: Readonly<Record<string, unknown>>, help: string): void {
  const known = [...Object.keys(options), '_', 'h'];
  const unknown = [
    ...Object.keys(args)
      .filter((name) => !known.includes(name))
      .map((name) => (name.length === 1 ? `-${name}` : `--${name}`)),
    ...args._,
  ];
  if (unknown.length > 0) {
    throw new ProjError(`Unknown option ${unknown[0]}`, { code: 'unknown-option', fix: `See ${help} --help` });
  }
}

export function invalid(name: string, expected: string, received: string): ProjError {
  return new ProjError(`Cannot use --${name}`, {
    code: 'invalid-option',
    expected,
    received,
    fix: 'See captcha-gen --help',
  });
}
