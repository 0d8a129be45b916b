import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README prints what its comments say', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines, promised }) => {
    expect(promised.length).toBeGreaterThan(0);
    expect(lines).toEqual(promised);
  }),
);
