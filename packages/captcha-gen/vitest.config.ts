import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';

// Some tests draw hundreds of pictures or start processes, which takes long where all cores are busy.
export default mergeConfig(base, { test: { testTimeout: 120_000 } });
