import { ProjError } from '@proj/core';

/** Index and label, as the data sets of captcha trainers have it. */
export const defaultPattern = '{i}_{label}.png';

/**
 * Makes file names from a pattern: `{i}` becomes the index, `{label}` the label.
 *
 * @throws ProjError `invalid-pattern` when it has no `{i}` (names would clash), does not end in `.png` or leaves its
 * folder; `unsafe-label` when a label could hold a character that file names may not.
 */
export function fileNamer(pattern: string, charset: string): (index: number, label: string) => string {
  if (!pattern.includes('{i}') || !pattern.endsWith('.png') || /[/\\\0]/.test(pattern) || pattern.startsWith('.')) {
    throw new ProjError('Cannot name files by this pattern', {
      code: 'invalid-pattern',
      expected: 'a plain file name with `{i}` in it that ends in `.png`',
      received: pattern,
    });
  }
  const unsafe = /[/\\:*?"<>|\s]|\p{Cc}/u.exec(charset);
  if (pattern.includes('{label}') && unsafe !== null) {
    throw new ProjError('Labels of this charset cannot stand in file names', {
      code: 'unsafe-label',
      expected: 'no white space and none of / \\ : * ? " < > |',
      received: JSON.stringify(unsafe[0]),
      fix: 'Use the pattern {i}.png; the labels are in labels.jsonl',
    });
  }
  if (pattern.startsWith('{label}') && charset.includes('.')) {
    throw new ProjError('Labels of this charset cannot begin file names', {
      code: 'unsafe-label',
      expected: 'no dot, behind which files are hidden',
      received: '"."',
      fix: 'Put something before it, as {i}_{label}.png',
    });
  }
  return (index, label) => pattern.replaceAll('{i}', String(index)).replaceAll('{label}', () => label);
}

/** Matches every name that {@link fileNamer} could make from the pattern. */
export function fileNameMatcher(pattern: string): RegExp {
  const parts = pattern.split(/(\{i\}|\{label\})/).map((part) => {
    if (part === '{i}') return '\\d+';
    if (part === '{label}') return '.+';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'u');
}
