import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, isProjError } from '../src/index.js';

const reference = new Uint8Array(readFileSync(new URL('goldens/reference.safetensors', import.meta.url)));

/** A file with this header and so many bytes of data. */
function file(header: unknown, dataLength: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe('safetensors', () => {
  it("reads the reference library's file", () => {
    const { tensors, metadata } = decodeSafetensors(reference);
    expect(metadata).toMatchObject({ note: 'naïve ✓' });
    expect(Object.keys(tensors).sort()).toEqual(['conv/kernel', 'empty', 'labels', 'pixels', 'scalar']);
    expect(tensors['conv/kernel']).toEqual({
      data: Float32Array.from({ length: 24 }, (_, i) => Math.fround(i) / Math.fround(7)),
      shape: [2, 3, 4],
    });
    expect(tensors.labels).toEqual({ data: new Int32Array([-1, 2, 3, 2 ** 31 - 1]), shape: [2, 2] });
    expect(tensors.pixels).toEqual({ data: new Uint8Array([0, 1, 2, 3, 4]), shape: [5] });
    expect(tensors.scalar).toEqual({ data: new Float32Array([2.5]), shape: [] });
    expect(tensors.empty).toEqual({ data: new Float32Array(0), shape: [0, 4] });
  });

  it('reads back what it wrote, to the bit', () => {
    const array = fc.oneof(
      fc.float32Array({ maxLength: 20 }),
      fc.int32Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
    );
    const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__metadata__' && text !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(name, array), fc.string(), (arrays, note) => {
        const tensors = Object.fromEntries(
          Object.entries(arrays).map(([k, data]) => [k, { data, shape: [data.length] }]),
        );
        const decoded = decodeSafetensors(encodeSafetensors(tensors, { note }));
        expect({ ...decoded.tensors }).toEqual(tensors);
        expect(decoded.metadata).toEqual({ note });
      }),
    );
  });

  it('does not write a header that could not be read back', () => {
    const note = 'x'.repeat(100_000_000);
    expect(() => encodeSafetensors({}, { note })).toThrow(/at most 100000000 bytes/);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a header longer than the file', file('{}', 0).map((byte, i) => (i === 1 ? 255 : byte))],
    ['no JSON', file('{"a', 0)],
    ['an array as header', file([], 0)],
    ['an unknown dtype', file({ a: { dtype: 'Q4', shape: [1], data_offsets: [0, 1] } }, 1)],
    ['a dtype of the prototype', file({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 1] } }, 1)],
    ['a negative side', file({ a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }, 1)],
    ['offsets outside', file({ a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }, 3)],
    ['a length that is not the shape', file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, 4)],
    [
      'an overlap',
      file(
        { a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] }, b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] } },
        3,
      ),
    ],
    ['a hole', file({ a: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } }, 2)],
    ['bytes left over', file({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, 2)],
    ['numbers as metadata', file({ __metadata__: { a: 1 } }, 0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrowError(
      expect.objectContaining({ name: 'ProjError', code: 'invalid-safetensors' }),
    );
  });

  it('refuses every truncation of a real file, and never fails otherwise on a flipped byte', () => {
    for (let length = 0; length < reference.length; length++) {
      expect(() => decodeSafetensors(reference.slice(0, length))).toThrow(/safetensors/);
    }
    fc.assert(
      fc.property(fc.nat(reference.length - 1), fc.integer({ min: 1, max: 255 }), (position, flip) => {
        const damaged = reference.map((byte, i) => (i === position ? byte ^ flip : byte));
        try {
          decodeSafetensors(damaged);
        } catch (error) {
          expect(isProjError(error, 'invalid-safetensors')).toBe(true);
        }
      }),
    );
  });

  it('reads a Buffer that is a part of a larger one', () => {
    const bytes = encodeSafetensors({ a: { data: new Float32Array([1, 2]), shape: [2] } });
    const buffer = Buffer.concat([Buffer.from('xyz'), bytes]).subarray(3);
    expect(decodeSafetensors(buffer).tensors.a).toEqual({ data: new Float32Array([1, 2]), shape: [2] });
  });

  it('refuses to write an array that does not fit its shape', () => {
    expect(() => encodeSafetensors({ a: { data: new Float32Array(3), shape: [2, 2] } })).toThrow(
      /Expected 4 values\. Received 3 values/,
    );
  });

  it('refuses to write what could not be read again', () => {
    const data = new Float32Array(4);
    for (const [tensors, metadata] of [
      [{ a: { data: new Float64Array(4), shape: [4] } }],
      [{ a: { data: [1, 2], shape: [2] } }],
      [{ a: { data, shape: [-2, -2] } }],
      [{ a: { data, shape: [0.5, 8] } }],
      [{ __metadata__: { data, shape: [4] } }],
      [{ a: { data, shape: [4] } }, { step: 7 }],
    ] as never[][]) {
      expect(() => encodeSafetensors(tensors!, metadata)).toThrow(
        expect.objectContaining({ code: 'invalid-safetensors' }),
      );
    }
    const named = Object.fromEntries(['__proto__', 'constructor'].map((name) => [name, { data, shape: [4] }]));
    expect(Object.keys(decodeSafetensors(encodeSafetensors(named)).tensors)).toEqual(['__proto__', 'constructor']);
  });
});
