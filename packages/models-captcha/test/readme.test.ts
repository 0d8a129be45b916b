import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('the example of the README runs as printed', { timeout: 120_000 }, async () => {
  const [, example] = /```ts\n(.*?)```/s.exec(await readFile(join(packageFolder, 'README.md'), 'utf8'))!;
  // Inside the package, where its own name resolves to what was built.
  const folder = await mkdtemp(join(packageFolder, '.readme-'));
  try {
    const file = join(folder, 'example.mts');
    await writeFile(file, example!);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: packageFolder });
    const [summary, ...texts] = stdout.trim().split('\n');
    expect(summary).toMatch(/^\d+ parameters, \d+\.\d million MACs a picture$/);
    expect(texts).toEqual([expect.stringMatching(/^\d{5}$/), expect.stringMatching(/^\d{5}$/)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
