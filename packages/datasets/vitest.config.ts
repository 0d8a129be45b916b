import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';

// Tests start dozens of worker threads, each of which takes seconds where all cores are busy.
export default mergeConfig(base, { test: { testTimeout: 120_000 } });
