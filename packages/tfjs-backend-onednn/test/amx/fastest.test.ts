import { expect, it } from 'vitest';
import { available } from '../reference.js';
import { native } from './machine.js';

it.skipIf(!available)('the way with the shortest time is chosen, and remembered', () => {
  expect(native('fastest.cc')).toBe('done\n');
});
