import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { available } from './reference.js';

it.skipIf(!available)("runs the README's example and prints what its comments say", { timeout: 120_000 }, () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1];
  // Beside the tests and not under node_modules, from where a package cannot import itself by its name.
  const file = fileURLToPath(new URL('programs/readme-example.mts', import.meta.url));
  writeFileSync(file, example as string);
  try {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', file], { encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout.trim().split('\n').slice(-3)).toEqual(['true', '2', '0']);
  } finally {
    rmSync(file);
  }
});
