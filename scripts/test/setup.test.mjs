// What a user reads when setting up cannot go on. Each test is a process of its own, as setting up ends it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const scripts = fileURLToPath(new URL('..', import.meta.url));

let folder;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Calls one function of a set-up module. */
function call(module, expression, env = {}) {
  const code = `import * as setup from ${JSON.stringify(join(scripts, 'setup', module))};\n${expression}`;
  const args = ['--input-type=module', '--eval', code];
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } });
}

it.each(['20.18.1', '18.20.4', '16.20.2'])('Node %s is too old', (version) => {
  const { status, stderr } = call('requirements.mjs', `setup.checkNode('${version}')`);
  expect(stderr).toContain(`Node ${version} is too old: this project needs Node 20.19 or later`);
  expect(status).toBe(1);
});

it.each(['20.19.0', '22.0.0'])('Node %s will do', (version) => {
  expect(call('requirements.mjs', `setup.checkNode('${version}')`)).toMatchObject({ status: 0, stderr: '' });
});

it('a disk without room is named before anything is installed', () => {
  const { status, stderr } = call('requirements.mjs', 'setup.checkDisk(1e18)');
  expect(stderr).toMatch(/No room on the disk: .* has [\d.]+ GB free, setting up needs 1000000000\.0 GB/);
  expect(status).toBe(1);
});

it.each([
  ['npm error code ENOTFOUND', /No network: the package registry could not be reached/],
  ['ERR_PNPM_META_FETCH_FAIL  GET https://registry.example/x', /No network/],
  ['write error: No space left on device', /No room on the disk/],
  ['EACCES: permission denied, mkdir', /may not be written to/],
  ['something else', /something else/],
])('a step that fails with "%s" says so', (output, message) => {
  const explain = `
    try { await setup.step('failing-step', 'Trying', 'sh', ['-c', 'echo "$1"; exit 3', 'sh', ${JSON.stringify(output)}]); }
    catch (error) { console.log(error.explain()); }`;
  const { stdout } = call('process.mjs', explain);
  expect(stdout).toMatch(message);
  expect(stdout).toMatch(/The whole log: .*failing-step\.log/);
});

it('a registry out of reach is said within seconds, not after the minutes of an installation', () => {
  const expression = 'await setup.checkRegistry().catch((error) => console.log(error.explain()))';
  const { stdout } = call('main.mjs', expression, { npm_config_registry: 'http://127.0.0.1:9/' });
  expect(stdout).toMatch(/No network: the package registry could not be reached/);
});

it.skipIf(process.platform !== 'linux')('without a compiler it goes on, and says what with', () => {
  symlinkSync('/usr/bin/true', join(folder, 'make'));
  const { status, stderr } = call('toolchain.mjs', 'await setup.provideToolchain()', { PATH: folder });
  expect(stderr).toBe(
    'No g++: going on with the wasm backend, which is slower (to have the native backend: apt-get install g++ make).\n',
  );
  expect(status).toBe(0);
});

it('an unknown command lists those there are', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(scripts, 'run.mjs'), 'quickstrat'], {
    encoding: 'utf8',
  });
  expect(stderr).toContain('Unknown command "quickstrat". There are: quickstart, evaluate, solve, bench, test.');
  expect(status).toBe(2);
});
