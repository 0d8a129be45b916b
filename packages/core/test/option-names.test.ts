import { expect, it } from 'vitest';
import { checkOptionNames } from '../src/index.js';

const known = { seed: 0, shuffle: false, batchSize: 1, prefetchBytes: 1 };

it.each(['batchsize', 'batcSize', 'bacthSize', 'BATCH_SIZE', 'batch_sizes'])('%s is near batchSize', (name) => {
  expect(() => checkOptionNames('loader', { seed: 1, [name]: 3 }, known)).toThrow(
    expect.objectContaining({
      name: 'ProjError',
      code: 'unknown-option',
      received: name,
      message: `loader has no option \`${name}\`. Expected options out of seed, shuffle, batchSize, prefetchBytes. Received ${name}. Did you mean \`batchSize\`?`,
    }),
  );
});

it('names no option where none is near, nor any where there are none', () => {
  for (const [name, all, expected] of [
    ['workers', known, 'options out of seed, shuffle, batchSize, prefetchBytes'],
    ['toString', known, 'options out of seed, shuffle, batchSize, prefetchBytes'],
    ['seed', {}, 'no options'],
  ] as const) {
    expect(() => checkOptionNames('loader', { [name]: 1 }, all)).toThrow(
      expect.objectContaining({ code: 'unknown-option', expected, fix: undefined }),
    );
  }
});

it('lets known and undefined options pass', () => {
  checkOptionNames('loader', { seed: 1, shuffle: undefined }, known);
  checkOptionNames('loader', { workers: undefined }, known);
  checkOptionNames('loader', {}, {});
});

it.each([
  [undefined, 'undefined'],
  [null, 'null'],
  ['x', 'string'],
  [[1], 'an array'],
] as const)('%j is no object of options', (given, received) => {
  expect(() => checkOptionNames('loader', given as unknown as object, known)).toThrow(
    expect.objectContaining({ code: 'invalid-option', expected: 'an object', received }),
  );
});
