import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

it('names what can be measured', () => {
  const call = spawnSync(process.execPath, ['--import', 'tsx', 'main.ts', 'nothing'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const names = /NAME is one of: (.*)/.exec(call.stdout + call.stderr)![1]!.split(', ');
  expect(names).toContain('train-step');
  for (const name of names) {
    expect(name).toMatch(/^[a-z-]+$/);
    expect(existsSync(`${folder}${name}.ts`)).toBe(true);
  }
});
