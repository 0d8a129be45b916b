import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runReadmeExample } from '../../../readme.base.ts';

it('the example of the README draws what it says', { timeout: 120_000 }, () =>
  runReadmeExample(import.meta.url, async ({ lines, folder }) => {
    expect(lines[0]).toMatch(/^[a-zA-Z0-9]{4} 128x64x3 \{ x: \d+, y: \d+, width: \d+, height: \d+ \}$/);
    expect(lines.slice(1)).toEqual([
      'train',
      '32x60x200x3 32',
      '32x60x200x3 32',
      `10 ${join('captchas', 'labels.jsonl')}`,
      'captchas-000000.tar',
    ]);
    expect(await readdir(join(folder, 'captchas'))).toHaveLength(11);
  }),
);
