import { defineConfig } from 'tsup';

/** The one way packages are built: ESM, sources readable in a debugger. The task `typecheck` writes the declarations. */
export const esm = (entry = ['src/index.ts']) =>
  defineConfig({ entry, format: ['esm'], target: 'node20', sourcemap: true, clean: true });
