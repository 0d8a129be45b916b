import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';

/** With threads, as few as the smallest machine has, whatever the rest of the repository is tested with. */
export default mergeConfig(base, { test: { env: { OMP_NUM_THREADS: '2' } } });
