import { defineConfig } from 'vitest/config';

/** Every package's tests: its own files, a report that `npm test` adds up. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,mjs}'],
    typecheck: { enabled: false },
    reporters: ['default', ['json', { outputFile: 'test-results.json' }]],
    testTimeout: 30_000,
    fileParallelism: false,
    // TensorFlow.js takes seconds to import: once a package, not once a file.
    isolate: false,
  },
});
