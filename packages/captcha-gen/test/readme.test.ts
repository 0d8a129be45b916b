import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it('runs the example of the README as it stands', { timeout: 120_000 }, async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  // Within the package, so that its own name leads to its built files; `dist` is not in the repository.
  const folder = await mkdtemp(join(root, 'dist', 'readme-'));
  try {
    await writeFile(join(folder, 'example.mts'), example);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'example.mts'], { cwd: folder });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^[a-zA-Z0-9]{4} 128x64x3 \{ x: \d+, y: \d+, width: \d+, height: \d+ \}$/);
    expect(lines.slice(1)).toEqual(['train', 'true', `10 ${join('captchas', 'labels.jsonl')}`]);
    expect(await readdir(join(folder, 'captchas'))).toHaveLength(11);
  } finally {
    await rm(folder, { recursive: true });
  }
});
