import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README prints what its comments say', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines, promised }) => {
    expect(lines[0]).toMatch(/^[0-5] -?0\.\d+ (red|green) \[( [123],?){3} \]$/);
    expect(promised.length).toBe(3);
    expect(lines.slice(1)).toEqual(promised);
  }),
);
