// Checks the types of the package in the working directory, sources and tests, and writes the declarations of what is in
// src to dist. One run does both: to read TensorFlow.js's types takes longer than all the rest.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { root } from './setup/paths.mjs';

const folder = process.cwd();
const dist = join(folder, 'dist');
const hasSources = existsSync(join(folder, 'src'));
// Tests share files with other packages, so the compiler lays out the whole repository; only the sources' part is kept.
const everything = join(dist, 'declarations');
// The compiler that is a program; the tools that take it as a library need the version before, `typescript`.
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript7/package.json')), 'bin/tsc');
const emit = hasSources
  ? ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', root, '--outDir', everything]
  : [];
try {
  execFileSync(process.execPath, [tsc, '--project', folder, '--pretty', ...emit], { stdio: 'inherit' });
  if (hasSources) cpSync(join(everything, relative(root, folder), 'src'), dist, { recursive: true });
} catch ({ status }) {
  process.exitCode = status ?? 1;
} finally {
  rmSync(everything, { recursive: true, force: true });
}
