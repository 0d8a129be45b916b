import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';
import { readJsonlLog } from '../src/index.js';

it('the example of the README prints what its comments say', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, async ({ lines, promised, stderr, folder }) => {
    expect(promised).toEqual(['finished 100', '240 true']);
    expect(lines).toEqual(promised);
    expect(stderr).toContain('Finished after 100 steps');
    const events = await readJsonlLog(join(folder, 'runs/readme/log.jsonl'));
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'finished', step: 100 });
  }),
);
