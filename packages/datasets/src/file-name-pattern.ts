import { ProjError } from '@proj/core';

/** Finds the label in a file's name. */
export interface FileNamePattern {
  readonly pattern: string;
  /** A name, without extension, that the pattern matches. */
  readonly example: string;
  /** The label in `name` (without extension), or undefined when the name does not match. */
  labelOf(name: string): string | undefined;
}

/** What may stand in braces: what it matches, and what stands for it in an example. */
const fields: Readonly<Record<string, { readonly source: string; readonly example: string }>> = {
  i: { source: '[0-9]+', example: '17' },
  label: { source: '(?<label>.+)', example: 'aB3d' },
  any: { source: '.*', example: 'x' },
};

/**
 * Reads a pattern such as `{i}_{label}`: `{label}` is the label (once), `{i}` a number, `{any}` any text or none; all
 * else stands for itself. It matches a whole file name without its extension. Where more than one reading is
 * possible, the earlier field takes as much as it can.
 *
 * @throws ProjError `invalid-pattern` for unknown fields or any number of `{label}` but one.
 */
export function fileNamePattern(pattern: string): FileNamePattern {
  const parts = pattern.split(/\{([^{}]*)\}/); // literals at even places, names of fields at odd ones
  const names = parts.filter((_, place) => place % 2 === 1);
  const unknown = names.find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined || names.filter((name) => name === 'label').length !== 1) {
    throw new ProjError(`Cannot use '${pattern}' as a pattern for file names`, {
      code: 'invalid-pattern',
      expected: '`{label}` once, and beside it only `{i}`, `{any}` and plain text',
      received:
        unknown === undefined ? `\`{label}\` ${names.length === 0 ? 'nowhere' : 'not once'}` : `\`{${unknown}}\``,
      fix: "For names like '17_aB3d.png' use '{i}_{label}'",
    });
  }
  const source = parts.map((part, place) => (place % 2 === 1 ? fields[part]!.source : literal(part))).join('');
  const expression = new RegExp(`^${source}$`, 'su');
  return {
    pattern,
    example: parts.map((part, place) => (place % 2 === 1 ? fields[part]!.example : part)).join(''),
    labelOf: (name) => expression.exec(name)?.groups?.label,
  };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
