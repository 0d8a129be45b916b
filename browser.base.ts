// What the tests of packages that run in browsers share.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';

/** Debian's, Ubuntu's and others'; CHROMIUM names another. */
const executablePath =
  process.env.CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** A package as a page takes it. */
export interface Bundle {
  /** A script that puts what `src/index.ts` exports into a global variable. */
  readonly code: string;
  /** Paths of all modules in it. */
  readonly inputs: readonly string[];
  /** What it imports from elsewhere. */
  readonly external: readonly string[];
}

/**
 * Bundles the package above a test folder for browsers.
 *
 * @param testUrl `import.meta.url` of the test.
 */
export async function bundleForBrowsers(testUrl: string, globalName: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', testUrl))],
    bundle: true,
    format: 'iife',
    globalName,
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return {
    code: outputFiles[0]!.text,
    inputs: Object.keys(metafile.inputs),
    external: imports.filter(({ external }) => external).map(({ path }) => path),
  };
}

/** Describes tests that open pages in Chromium; where there is none they are skipped, and a line says so. */
export function describeInChromium(tests: (newPage: () => Promise<Page>) => void): void {
  if (executablePath === undefined) console.warn('Skipping the browser: found no Chromium (set CHROMIUM to its path).');
  describe.skipIf(executablePath === undefined)('in Chromium', () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    }, 60_000);
    afterAll(() => browser?.close());
    tests(() => browser!.newPage());
  });
}
