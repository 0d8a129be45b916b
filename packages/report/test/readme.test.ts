import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README writes a report', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, async ({ lines, folder }) => {
    const names = ['curves.png', 'curves.svg', 'predictions.png', 'predictions.svg', 'report.json', 'report.md'];
    const demo = join(folder, 'runs', 'demo');
    expect([...lines].sort()).toEqual(names.map((name) => join(demo, name)));
    expect((await readdir(demo)).sort()).toEqual([...names, 'events', 'log.jsonl'].sort());
    const { final } = JSON.parse(await readFile(join(demo, 'report.json'), 'utf8'));
    expect(final).toEqual({ exactMatch: 2 / 3 });
  }),
);
