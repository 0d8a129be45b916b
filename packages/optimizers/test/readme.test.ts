import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README trains', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines }) => {
    const [, first, last] = /loss (\S+) -> (\S+)/.exec(lines[0]!)!;
    expect(Number(last)).toBeLessThan(Number(first) / 2);
    expect(lines[1]).toBe('goes on at step 100');
  }),
);
