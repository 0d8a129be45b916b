import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readJsonlLog } from '../src/index.js';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

it('the example of the README runs as printed', { timeout: 240_000 }, async () => {
  const [, example] = /```ts\n(.*?)```/s.exec(await readFile(join(packageFolder, 'README.md'), 'utf8'))!;
  // Inside the package, where its own name resolves to what was built.
  const folder = await mkdtemp(join(packageFolder, '.readme-'));
  try {
    const file = join(folder, 'example.mts');
    await writeFile(file, example!);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: folder });
    expect(stdout.trim().split('\n')).toEqual(['finished 100', '240 true']);
    expect(stderr).toContain('Finished after 100 steps');
    const events = await readJsonlLog(join(folder, 'runs/readme/log.jsonl'));
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'finished', step: 100 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
