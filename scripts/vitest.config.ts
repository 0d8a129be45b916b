import { mergeConfig } from 'vitest/config';
import base from '../vitest.base.ts';

/** The tests start the repository's tools, which take their time where others run beside them. */
export default mergeConfig(base, { test: { testTimeout: 120_000 } });
