import { defineConfig, type Options } from 'tsup';

/** The one way packages are built: ESM with declarations, sources readable in a debugger. */
export const esm = (options: Options = {}) =>
  defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'node20',
    // tsup sets baseUrl, which TypeScript 6 deprecates.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    sourcemap: true,
    clean: true,
    ...options,
  });
