import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { available } from './reference.js';

const root = fileURLToPath(new URL('..', import.meta.url));

it.skipIf(!available)('the native build takes a checkout whose path has a space', () => {
  const folder = mkdtempSync(join(tmpdir(), 'my proj '));
  try {
    for (const name of ['native', 'scripts']) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    // A dry run of make: it still fails where a path falls apart into two targets.
    const script = join(folder, 'scripts/build-native.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      env: { ...process.env, MAKEFLAGS: 'n' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // One object in truth.
    execFileSync(
      'make',
      [
        '--file=native/Makefile',
        'OUT=build',
        'build/environment.node',
        'NODE_ADDON_API=none',
        'NODE_API_HEADERS=node_modules/node-api-headers/include',
      ],
      { cwd: folder },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it.skipIf(!available).each([
  [undefined, 1],
  ['optional', 0],
])('sources that do not compile: with PROJ_NATIVE=%s the exit code is %i', (PROJ_NATIVE, code) => {
  const folder = mkdtempSync(join(tmpdir(), 'broken-'));
  try {
    for (const name of ['native', 'scripts']) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const script = join(folder, 'scripts/build-native.mjs');
    const env = { ...process.env, CXX: 'false', PROJ_NATIVE };
    const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env });
    expect(stderr).toContain('the native sources do not compile');
    expect(status).toBe(code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
