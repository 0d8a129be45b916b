// The check of the arrows must be able to fail: small packages in a folder of their own, checked as the repository is.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arrows-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** A built package whose source is `code`, with `dependencies` installed. */
function writePackage(name, code, dependencies = []) {
  const manifest = {
    name: `@proj/${name}`,
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    dependencies: Object.fromEntries(dependencies.map((other) => [`@proj/${other}`, 'workspace:^'])),
  };
  write(`packages/${name}/package.json`, JSON.stringify(manifest));
  write(`packages/${name}/src/index.ts`, code);
  write(`packages/${name}/dist/index.js`, 'export const x = 1;');
  for (const other of dependencies) {
    mkdirSync(join(folder, `packages/${name}/node_modules/@proj`), { recursive: true });
    symlinkSync(join(folder, 'packages', other), join(folder, `packages/${name}/node_modules/@proj`, other));
  }
}

function check() {
  const args = ['packages', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'err'];
  return spawnSync(join(root, 'node_modules/.bin/depcruise'), args, { cwd: folder, encoding: 'utf8' });
}

it('an import along an arrow passes', () => {
  writePackage('core', 'export const x = 1;');
  writePackage('metrics', "export { x } from '@proj/core';", ['core']);
  expect(check()).toMatchObject({ status: 0 });
});

it('an import against the arrows, of nothing or in a circle is an error', () => {
  writePackage('metrics', 'export const x = 1;');
  writePackage('core', '', ['metrics']);
  write('packages/core/src/by-name.ts', "export { x } from '@proj/metrics';");
  write('packages/core/src/by-path.ts', "export { x } from '../../metrics/src/index.ts';");
  write('packages/core/src/of-nothing.ts', "export { x } from '@proj/nowhere';");
  write('packages/core/src/circle.ts', "export { x } from './other.js';");
  write('packages/core/src/other.ts', "export * as y from './circle.js';\nexport const x = 1;");
  const { status, stdout } = check();
  expect(stdout).toMatch(/arrows-of-core: packages\/core\/src\/by-name/);
  expect(stdout).toMatch(/arrows-of-core: packages\/core\/src\/by-path/);
  expect(stdout).toMatch(/resolvable: packages\/core\/src\/of-nothing/);
  expect(stdout).toMatch(/no-circular: packages\/core\/src\/(circle|other)/);
  expect(status).toBeGreaterThan(0);
});
