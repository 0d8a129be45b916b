import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Precision } from '../../src/index.js';
import { type Case, convolution, outputSize, overlaps } from './definition.js';
import { canRun, hasTiles } from './machine.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder with `dist` and `build` of the package, or of the addon that emulates. */
const folder = hasTiles ? root : join(root, 'build/emulated');

interface Run {
  readonly stdout: string;
  readonly results: Record<string, Float32Array>[];
  /** Products of tiles that were emulated; undefined where none needed to be. */
  readonly products: number | undefined;
}

function run(cases: readonly Case[], environment: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const program = join(root, 'test/amx/convolutions.mjs');
    const env = { ...process.env, PROJ_ONEDNN_CONVOLUTION: 'amx', ...environment };
    const child = execFile(
      process.execPath,
      [program, join(folder, 'dist/index.js')],
      { env, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        if (error !== null) return reject(error);
        const results = JSON.parse(stdout) as Record<string, string>[];
        const decode = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
        resolve({
          stdout,
          results: results.map((one) =>
            Object.fromEntries(Object.entries(one).map(([name, text]) => [name, decode(text)])),
          ),
          products: hasTiles ? undefined : Number(/^(\d+) products of tiles$/m.exec(stderr)?.[1] ?? 0),
        });
      },
    );
    child.stdin!.end(JSON.stringify(cases));
  });
}

/** Each value is off by no more than half a step of bfloat16, or not at all, beside the rounding of sums in float32. */
function expectNear(actual: Float32Array, expected: Float64Array, precision: Precision, what: string): void {
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of expected.entries()) {
    const half = precision === 'float32' || value === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 8);
    const allowed = half + 2 ** -20 * largest;
    if (!(Math.abs(actual[i]! - value) <= allowed)) expect.fail(`${what} at ${i}: ${actual[i]}, ${value} expected`);
  }
}

function expectDefinition(one: Case, values: Record<string, Float32Array>): void {
  const { y, dx, dw } = convolution(one, values.x!, values.filter!, values.dy);
  const channels = one.filter[3];
  const { bias, mean, variance, offset, scale, residual } = values;
  const finished = y.map((value, i) => {
    const k = i % channels;
    if (one.follows === 'bias') return Math.max(0, value + bias![k]!);
    if (one.follows === undefined) return value;
    const normalised = ((value - mean![k]!) / Math.sqrt(variance![k]! + 0.001)) * scale![k]! + offset![k]!;
    return Math.max(0, normalised + residual![i]!);
  });
  expectNear(values.y!, finished, 'bfloat16', `y of ${JSON.stringify(one)}`);
  if (values.dy === undefined) return;
  expectNear(values.dx!, dx, 'bfloat16', `dx of ${JSON.stringify(one)}`);
  expectNear(values.dw!, dw, 'float32', `dw of ${JSON.stringify(one)}`);
}

const axis = fc.record({
  size: fc.integer({ min: 1, max: 7 }),
  kernel: fc.constantFrom(1, 2, 3, 3, 3, 5),
  stride: fc.constantFrom(1, 1, 2, 3),
  pad: fc.tuple(fc.nat(2), fc.nat(2)),
  dilation: fc.constantFrom(1, 1, 1, 2),
});

const anyCase: fc.Arbitrary<Case> = fc
  .record({
    batch: fc.constantFrom(1, 2, 5, 15, 16, 17, 33),
    y: axis,
    x: axis,
    channels: fc.constantFrom(1, 3, 4, 8, 16, 24, 32, 40, 64, 80),
    filters: fc.constantFrom(8, 16, 24, 32, 40, 64),
    follows: fc.constantFrom<('bias' | 'normalisation')[]>('bias', 'normalisation'),
    gradients: fc.constantFrom(true, true, false),
  })
  .map(
    ({ batch, y, x, channels, filters, follows, gradients }): Case => ({
      x: [batch, y.size, x.size, channels],
      filter: [y.kernel, x.kernel, channels, filters],
      strides: [y.stride, x.stride],
      pad: [y.pad, x.pad],
      // tfjs has no gradients of dilated convolutions.
      dilations: y.stride === 1 && x.stride === 1 && !gradients ? [y.dilation, x.dilation] : [1, 1],
      // What AMX leaves alone, which pictures alone can be here, is rounded before a sum.
      ...(gradients ? {} : { follows: channels <= 4 ? 'bias' : follows }),
    }),
  )
  .filter((one) => Math.min(...outputSize(one)) > 0 && overlaps(one, 0).length > 0 && overlaps(one, 1).length > 0);

/** `same` padding of a square filter, in steps of one. */
const plain = (x: Case['x'], kernel: number, filters: number): Case => {
  const pad = [(kernel - 1) / 2, (kernel - 1) / 2] as const;
  return { x, filter: [kernel, kernel, x[3], filters], strides: [1, 1], pad: [pad, pad], dilations: [1, 1] };
};

describe.skipIf(!canRun)('AMX', () => {
  beforeAll(() => {
    if (!hasTiles) execFileSync(process.execPath, [join(root, 'test/amx/build.mjs'), folder]);
  }, 120_000);

  it('convolves by the definition, whatever the shape, forward and in both gradients', async () => {
    const cases = fc.sample(anyCase, { numRuns: 80, seed: 1 });
    // Vectors of two lengths.
    const sets = hasTiles ? [{}] : [{}, { PROJ_ONEDNN_ISA: 'baseline' }];
    const both = await Promise.all(sets.map((set) => run(cases, set)));
    for (const { results } of both) for (const [i, one] of cases.entries()) expectDefinition(one, results[i]!);
  }, 60_000);

  it('convolves maps of many pixels and channels in several turns, the same with any number of threads', async () => {
    const strided: Case = { ...plain([16, 9, 8, 32], 3, 160), strides: [2, 2], follows: 'normalisation' };
    const cases = [
      plain([3, 20, 33, 32], 3, 16),
      plain([18, 3, 4, 96], 3, 80),
      plain([34, 20, 20, 64], 1, 16),
      strided,
    ];
    const [first, ...others] = await Promise.all(
      ['1', '2', '5'].map((OMP_NUM_THREADS) => run(cases, { OMP_NUM_THREADS })),
    );
    for (const [i, one] of cases.entries()) expectDefinition(one, first!.results[i]!);
    for (const { stdout } of others) expect(stdout === first!.stdout).toBe(true);
  }, 60_000);

  it.skipIf(hasTiles)('multiplies no tap that lies outside, or between the pixels of a step', async () => {
    const [pictures, rows, columns] = [16, 5, 6];
    const one = plain([pictures, rows, columns, 32], 3, 40);
    const [tapRows, tapColumns] = [overlaps(one, 0).length, overlaps(one, 1).length];
    expect([tapRows, tapColumns]).toEqual([3 * rows - 2, 3 * columns - 2]);
    const y = tapRows * tapColumns * 3; // tiles of 16 outputs, all 32 inputs at once
    const dx = tapRows * tapColumns * 2 * 2; // tiles of 16 inputs, 20 of 40 outputs at a time
    const dw = tapRows * 3 * ((columns * pictures) / 32) * (3 * 2); // rows of a column's taps, 32 places of a row, tiles
    expect((await run([one])).products).toBe(y + dx + dw);

    // In steps of two a pixel of the input takes part in 4, 2, 2 or 1 of the 9 products of a pixel.
    const strided: Case = { ...one, x: [16, 6, 6, 32], strides: [2, 2] };
    const [taps, stridedRows] = [
      overlaps(strided, 0).length * overlaps(strided, 1).length,
      overlaps(strided, 0).length,
    ];
    expect(taps).toBe((3 * 3 - 1) ** 2);
    const [stridedY, stridedDx, stridedDw] = [taps * 3, taps * 4, stridedRows * 3 * Math.ceil((3 * 16) / 32) * 6];
    expect((await run([strided])).products).toBe(stridedY + stridedDx + stridedDw);

    // Of a picture the 3 pixels under a row of the filter, widened to 4 numbers, are multiplied at once.
    const stem: Case = { ...one, x: [16, 5, 6, 3], filter: [3, 3, 3, 40] };
    const [stemY, stemDx, stemDw] = [tapRows * columns * 3, tapRows * tapColumns * 2, tapRows * 3 * 3];
    expect((await run([stem])).products).toBe(stemY + stemDx + stemDw);
  });

  it.skipIf(hasTiles)(
    'is tried at the first call of a shape, and taken from then on where it was the fastest',
    async () => {
      const fastest = { PROJ_ONEDNN_CONVOLUTION: '' };
      // oneDNN has no bfloat16 without AVX-512, which leaves no other way for a convolution in steps.
      const strided: Case = { ...plain([16, 6, 6, 32], 3, 16), strides: [2, 2], follows: 'bias' };
      const tiles = overlaps(strided, 0).length * overlaps(strided, 1).length;
      const { results, products } = await run([strided, strided], fastest);
      for (const values of results) expectDefinition(strided, values);
      expect(products).toBe(tiles * (3 + 1 + 1)); // to try, then for each call
      // By Winograd's algorithm this one takes less time than to emulate tiles.
      const other: Case = { ...strided, strides: [1, 1] };
      const tried = await run([other, other], fastest);
      expect(tried.products).toBe(3 * overlaps(other, 0).length * overlaps(other, 1).length);
      expect(tried.results[1]).toEqual(tried.results[0]);
    },
  );

  it('leaves alone what it cannot divide, which others compute', async () => {
    const one = plain([2, 5, 6, 33], 3, 33);
    const { results, products } = await run([one]);
    for (const [name, expected] of Object.entries(
      convolution(one, results[0]!.x!, results[0]!.filter!, results[0]!.dy!),
    ))
      expectNear(results[0]![name]!, expected, name === 'dw' ? 'float32' : 'bfloat16', name);
    if (!hasTiles) expect(products).toBe(0); // the hardware does not count
  });
});
