import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gitCommit, machineInfo } from '../src/index.js';

it('machineInfo tells what this process may use', async () => {
  const machine = await machineInfo();
  expect(Object.keys(machine)).toEqual(['cpu', 'cores', 'memoryBytes', 'os', 'node']);
  expect(machine.cpu).not.toBe('');
  expect(machine.cores).toBe(availableParallelism());
  expect(machine.memoryBytes).toBeGreaterThan(2 ** 26);
  expect(machine.memoryBytes).toBeLessThanOrEqual(totalmem());
  expect(machine.os.endsWith(process.arch)).toBe(true);
  expect(machine.node).toBe(process.version);
  expect(JSON.parse(JSON.stringify(machine))).toEqual(machine);
});

it('gitCommit tells the commit of a checkout, from any folder of it, and null elsewhere', async () => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'checkout-')));
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  const git = (...args: string[]) => execFileSync('git', [...identity, ...args], { cwd: dir, encoding: 'utf8' }).trim();
  try {
    expect(await gitCommit(dir)).toBeNull();
    git('init', '--quiet');
    expect(await gitCommit(dir)).toBeNull();
    mkdirSync(join(dir, 'inner'));
    writeFileSync(join(dir, 'inner', 'file'), 'content');
    git('add', '.');
    git('commit', '--quiet', '--no-verify', '--message', 'first');
    const commit = await gitCommit(join(dir, 'inner'));
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    expect(commit).toBe(git('log', '-1', '--format=%H'));
    expect(await gitCommit(join(dir, 'missing'))).toBeNull();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
