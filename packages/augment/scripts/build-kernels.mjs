// Compiles assembly/ to WebAssembly. build/kernels.ts holds it as text, so that it needs no file at run time, and
// build/exports.d.ts declares what it exports.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = fileURLToPath(new URL('..', import.meta.url));
const build = `${folder}build`;
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--bindings', 'esm'];
const written = new Map();
const { error, stderr } = await asc.main(
  ['assembly/index.ts', '--baseDir', folder, '--outFile', 'out.wasm', ...options],
  {
    writeFile: (name, contents) => {
      written.set(name, contents);
    },
  },
);
if (error) {
  console.error(`${error.message}\n${stderr}`);
  process.exit(1);
}
const binary = written.get('out.wasm');
const text = Buffer.from(binary).toString('base64');
await mkdir(build, { recursive: true });
await writeFile(
  `${build}/kernels.ts`,
  `/** ${binary.length} bytes in base64. */\nexport const kernels =\n  '${text}';\n`,
);
await writeFile(`${build}/exports.d.ts`, written.get('out.d.ts'));
console.log(`assembly/: ${binary.length} bytes of WebAssembly`);
