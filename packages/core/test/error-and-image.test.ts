import { describe, expect, it } from 'vitest';
import { createImage, isProjError, ProjError } from '../src/index.js';

describe('ProjError', () => {
  it('says what failed, what must hold, what came and how to mend it', () => {
    const error = new ProjError('Cannot read "x.png"', {
      code: 'cannot-decode',
      expected: 'a PNG',
      received: '0 bytes',
      fix: 'Copy the file again',
      cause: new Error('inner'),
    });
    expect(error.message).toBe('Cannot read "x.png". Expected a PNG. Received 0 bytes. Copy the file again.');
    expect(error).toMatchObject({ code: 'cannot-decode', expected: 'a PNG', received: '0 bytes' });
    expect((error.cause as Error).message).toBe('inner');
  });

  it('is recognised by name and code', () => {
    const error = new ProjError('No', { code: 'a' });
    expect(isProjError(error)).toBe(true);
    expect(isProjError(error, 'a')).toBe(true);
    expect(isProjError(error, 'b')).toBe(false);
    expect(isProjError(new Error('No'))).toBe(false);
    expect(isProjError('No')).toBe(false);
  });
});

describe('createImage', () => {
  it('makes transparent black, or takes the data as it is', () => {
    expect(createImage(2, 3, 4).data).toEqual(new Uint8ClampedArray(24));
    const data = new Uint8ClampedArray([1, 2, 3]);
    expect(createImage(1, 1, 3, data).data).toBe(data);
  });

  it('refuses a wrong side and a wrong length', () => {
    expect(() => createImage(0, 1, 3)).toThrow(/width to be a positive integer\. Received 0/);
    expect(() => createImage(2, 1, 3, new Uint8ClampedArray(5))).toThrow(/Expected 6 values .*Received 5 values/);
  });
});
