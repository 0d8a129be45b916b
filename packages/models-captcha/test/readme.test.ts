import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README runs', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines: [summary, ...texts] }) => {
    expect(summary).toMatch(/^\d+ parameters, \d+\.\d million MACs a picture$/);
    expect(texts).toEqual([expect.stringMatching(/^\d{5}$/), expect.stringMatching(/^\d{5}$/)]);
  }),
);
