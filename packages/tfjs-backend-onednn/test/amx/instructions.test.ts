import { expect, it } from 'vitest';
import { canRun, native } from './machine.js';

it.skipIf(!canRun)('the instructions of AMX do what their manual says, emulated or not', () => {
  expect(native('instructions.cc', 'emulator.cc')).toBe('done\n');
});
