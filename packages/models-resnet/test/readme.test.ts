import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README runs', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, ({ lines, promised }) => expect(lines).toEqual(promised)),
);
