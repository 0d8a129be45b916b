import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it("runs the README's example and prints what its comments say", { timeout: 120_000 }, () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1];
  // Beside the tests, where the package can be imported by its own name.
  const file = fileURLToPath(new URL('readme-example.mts', import.meta.url));
  try {
    writeFileSync(file, example as string);
    const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', file], { encoding: 'utf8' });
    expect(stdout.trim().split('\n').slice(-3)).toEqual(['true', '2', '0']);
    expect(status).toBe(0);
  } finally {
    rmSync(file, { force: true });
  }
});
