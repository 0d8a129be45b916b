import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it("runs the README's example and prints what its comments say", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1];
  const folder = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}readme.ts`, example as string);
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', `${folder}readme.ts`], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout.trim().split('\n').slice(1)).toEqual(['true', "{ step: '7' }", 'width to be a positive integer']);
});
