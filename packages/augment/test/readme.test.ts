import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README does what it says', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines, promised }) => {
    expect(promised.length).toBe(2);
    expect(lines).toEqual(promised);
  }),
);
