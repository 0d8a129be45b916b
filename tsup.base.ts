import { defineConfig } from 'tsup';

interface Entries {
  /** Files that become files of their own in `dist`. */
  readonly entry?: string[];
  /** Those of them that programs import, and that get declarations (default all). */
  readonly declared?: string[];
}

/**
 * The one way packages are built: ESM with declarations, sources readable in a debugger. Programs that only run what was
 * built leave the declarations out with PROJ_DTS=0, which is several times faster.
 */
export const esm = ({ entry = ['src/index.ts'], declared = entry }: Entries = {}) =>
  defineConfig({
    entry,
    format: ['esm'],
    target: 'node20',
    // tsup sets baseUrl, which TypeScript 6 deprecates.
    dts: process.env.PROJ_DTS === '0' ? false : { entry: declared, compilerOptions: { ignoreDeprecations: '6.0' } },
    sourcemap: true,
    clean: true,
  });
