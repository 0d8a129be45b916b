import { mergeConfig } from 'vitest/config';
import base from '../vitest.base.ts';

// The tests wait for processes; two at a time fill the cores. Each file has a folder of its own.
export default mergeConfig(base, { test: { fileParallelism: true, maxWorkers: 2, isolate: true } });
