import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/**
 * Bundles tfjs-core's own specs into one ES module inside `folder` and returns its path; a bundle already there is used
 * again. The module exports `setTestEnvs`, to be called first, and `load`, which declares the specs.
 *
 * The bundle holds its own copy of tfjs-core's sources, since the specs import internals by path. That copy and the one
 * a backend uses still act as one library: engine, kernel registry, gradient registry and Tensor class live on the
 * global object and belong to whichever copy loads first.
 */
export async function bundleSpecs(folder) {
  const manifest = require.resolve('@tensorflow/tfjs-core/package.json');
  const dist = join(dirname(manifest), 'dist');
  const hash = createHash('sha256');
  for (const path of [manifest, fileURLToPath(import.meta.url)]) hash.update(await readFile(path));
  const outfile = join(folder, `specs-${hash.digest('hex').slice(0, 12)}.mjs`);
  if (existsSync(outfile)) return outfile;
  await build({
    stdin: {
      contents: `
        export { setTestEnvs } from './jasmine_util.js';
        export const load = () => import('./tests.js');`,
      resolveDir: dist,
    },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    // The package says it has no side effects, by which every spec file would be dropped.
    ignoreAnnotations: true,
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return outfile;
}
