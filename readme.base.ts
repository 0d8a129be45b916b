import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';

/** What the example of a README did. */
export interface ReadmeRun {
  /** What it printed, by line. */
  readonly lines: readonly string[];
  readonly stderr: string;
  /** What its comments say that it prints: `console.log(...); // this`. */
  readonly promised: readonly string[];
  /** Where it ran; removed after `check`. */
  readonly folder: string;
}

/**
 * Runs the first example of the README above a package's test folder as it stands, against the built package, in an empty
 * folder.
 *
 * @param testUrl `import.meta.url` of the test.
 * @throws what the example throws, with all that it printed; and when the README has no example.
 */
export async function runReadmeExample(
  testUrl: string,
  check: (run: ReadmeRun) => void | Promise<void>,
): Promise<void> {
  const root = fileURLToPath(new URL('..', testUrl));
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1];
  if (code === undefined) throw new Error(`${root}README.md has no example`);
  // Inside the package, where its own name leads to what was built.
  await mkdir(join(root, 'build'), { recursive: true });
  const folder = await mkdtemp(join(root, 'build', 'readme-'));
  try {
    const { code: script } = await transform(code, { loader: 'ts', format: 'esm', target: 'node20' });
    await writeFile(join(folder, 'example.mjs'), script);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder });
    const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text!);
    await check({ lines: stdout.trimEnd().split('\n'), stderr, promised, folder });
  } finally {
    await rm(folder, { recursive: true });
  }
}
