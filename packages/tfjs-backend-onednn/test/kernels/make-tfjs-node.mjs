// Writes tfjs-node.json: the kernels that @tensorflow/tfjs-node registers, read from its published package, which is
// unpacked but neither installed nor run:
//
//   node test/kernels/make-tfjs-node.mjs 4.22.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';

const constants = new Map(Object.entries(tf));

const version = process.argv[2];
if (version === undefined) throw new Error('Usage: node test/kernels/make-tfjs-node.mjs VERSION');
const folder = mkdtempSync(join(tmpdir(), 'tfjs-node-'));
try {
  execFileSync('npm', ['pack', '--silent', `@tensorflow/tfjs-node@${version}`], { cwd: folder });
  execFileSync('tar', ['-xzf', readdirSync(folder).find((name) => name.endsWith('.tgz'))], { cwd: folder });
  const kernels = join(folder, 'package/dist/kernels');
  const register = readFileSync(join(folder, 'package/dist/register_all_kernels.js'), 'utf8');
  const names = [...register.matchAll(/require\("\.\/kernels\/(\w+)"\)/g)].map(([, file]) => {
    // `kernelName: tfjs_1.Abs`, a constant of tfjs-core, or `kernelName: 'Softmax'`.
    const code = readFileSync(join(kernels, `${file}.js`), 'utf8');
    const [, constant, text] = /kernelName: (?:\w+\.(\w+)|'(\w+)')/.exec(code);
    return text ?? constants.get(constant) ?? fail(file, constant);
  });
  const list = { package: `@tensorflow/tfjs-node@${version}`, kernels: names.sort() };
  writeFileSync(new URL('tfjs-node.json', import.meta.url), `${JSON.stringify(list, undefined, 2)}\n`);
  console.log(`${list.kernels.length} kernels`);
} finally {
  rmSync(folder, { recursive: true });
}

function fail(file, constant) {
  throw new Error(`${file}.js names a kernel ${constant} that tfjs-core does not know`);
}
