import { defineConfig, type Options } from 'tsup';

/**
 * The one way packages are built: ESM with declarations, sources readable in a debugger. Programs that only run what was
 * built leave the declarations out with PROJ_DTS=0, which is several times faster.
 */
export const esm = (options: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'node20',
    // tsup sets baseUrl, which TypeScript 6 deprecates.
    dts: process.env.PROJ_DTS === '0' ? false : { compilerOptions: { ignoreDeprecations: '6.0' } },
    sourcemap: true,
    clean: true,
    ...options,
  });
