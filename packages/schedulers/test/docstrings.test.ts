import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as schedulers from '../src/index.js';

/** Every `@example` in the sources: code up to the end of the comment. Lines `expression; // value` are promises. */
const folder = new URL('../src/', import.meta.url);
const examples = readdirSync(folder).flatMap((file) => {
  const source = readFileSync(new URL(file, folder), 'utf8');
  return [...source.matchAll(/ \* @example\n([\s\S]*?) \*\/\nexport function (\w+)/g)].map(([, block, name]) => ({
    name: name!,
    lines: block!.split('\n').map((line) => line.replace(/^ \* ?/, '')),
  }));
});

describe('the values printed in docstrings', () => {
  it('stand at every function that makes a schedule', () => {
    const makers = Object.keys(schedulers).filter((name) => name !== 'fromJSON');
    expect(examples.map(({ name }) => name).sort()).toEqual(makers.sort());
  });

  it.each(examples)('$name', ({ lines }) => {
    const code = lines.map((line) => line.replace(/^(.*); \/\/ (.*)$/, 'check($1, $2);')).join('\n');
    const pairs: [number, number][] = [];
    const check = (actual: number, promised: number) => pairs.push([actual, promised]);
    new Function('check', ...Object.keys(schedulers), code)(check, ...Object.values(schedulers));
    expect(pairs.length).toBeGreaterThanOrEqual(2);
    for (const [actual, promised] of pairs) {
      expect(Math.abs(actual - promised)).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(promised)));
    }
  });
});
