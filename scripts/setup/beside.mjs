import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setupFolder } from './paths.mjs';
import { step } from './process.mjs';

/**
 * Brings an npm package, as `name@version`, that the lock file does not have, into a folder of its own below `.setup`.
 * Gives the folder, whose `node_modules` has the package.
 */
export async function provideBeside(spec, npmOptions = []) {
  const present = folderBeside(spec);
  if (present !== undefined) return present;
  const folder = folderOf(spec);
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const args = ['install', '--prefix', part, '--no-save', '--no-audit', '--no-fund', ...npmOptions, spec];
  await step(nameOf(spec), `Installing ${spec}`, 'npm', args);
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return folder;
}

/** The folder if it is there already. */
export function folderBeside(spec) {
  const folder = folderOf(spec);
  return existsSync(join(folder, 'node_modules', nameOf(spec), 'package.json')) ? folder : undefined;
}

const nameOf = (spec) => spec.slice(0, spec.lastIndexOf('@'));
const folderOf = (spec) => join(setupFolder, spec.replace('@', '-'));
