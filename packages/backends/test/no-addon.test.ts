// A machine for which there is no native addon: the packages as npm would install them there.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'no-addon-'));
  const modules = join(folder, 'node_modules');
  for (const scope of ['@proj', '@tensorflow']) mkdirSync(join(modules, scope), { recursive: true });
  const onednn = realpathSync(join(root, 'node_modules/@proj/tfjs-backend-onednn'));
  for (const [name, from] of [
    ['backends', root],
    ['tfjs-backend-onednn', onednn],
  ] as const) {
    // What npm publishes: neither the build of the checkout nor its node_modules.
    for (const part of ['package.json', 'dist']) {
      cpSync(join(from, part), join(modules, '@proj', name, part), { recursive: true });
    }
  }
  for (const [name, from] of [
    ['@proj/core', root],
    ['@tensorflow/tfjs', root],
    ['@tensorflow/tfjs-backend-wasm', root],
    ['@tensorflow/tfjs-backend-cpu', onednn],
  ] as const) {
    symlinkSync(realpathSync(join(from, 'node_modules', name)), join(modules, name));
  }
  copyFileSync(join(root, 'test/programs/train.mjs'), join(folder, 'train.mjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('without the addon wasm is taken and trains, and the reason lists the ways out', { timeout: 60_000 }, () => {
  // Runners of the workspace name its packages in NODE_PATH.
  const env = { ...process.env, NODE_PATH: '' };
  const output = execFileSync(process.execPath, ['train.mjs'], { cwd: folder, encoding: 'utf8', env });
  const { backend, active, reasons, onednn, losses } = JSON.parse(output);
  expect({ backend, active }).toEqual({ backend: 'wasm', active: 'wasm' });
  expect(losses[2]).toBeLessThan(losses[0]);
  const { reason } = reasons.find((better: { backend: string }) => better.backend === 'onednn');
  for (const way of ['@proj/tfjs-backend-onednn-linux-x64-gnu', 'package:native', '@tensorflow/tfjs-backend-wasm']) {
    expect(reason).toContain(way);
  }
  expect(onednn).toEqual({ code: 'backend-unavailable', received: reason });
});
