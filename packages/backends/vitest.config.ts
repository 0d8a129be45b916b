import { mergeConfig } from 'vitest/config';
import base from '../../vitest.base.ts';

/** Tests of which backends there are and what they count: each file begins with none. */
export default mergeConfig(base, { test: { isolate: true } });
