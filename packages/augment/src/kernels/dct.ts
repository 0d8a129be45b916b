/** Bits after the point of the constants, and of what passes from the first pass to the second. */
const CONSTANT_BITS = 13;
const PASS_BITS = 2;

const fixed = (value: number) => Math.round(value * 2 ** CONSTANT_BITS);

// Sums of cosines in the flow graph of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11
// multiplications", 1989), in the variant with 12 multiplications that libjpeg's accurate integer transform has.
const [C_0_298, C_0_390, C_0_541, C_0_765] = [0.298631336, 0.390180644, 0.5411961, 0.765366865].map(fixed) as Four;
const [C_0_899, C_1_175, C_1_501, C_1_847] = [0.899976223, 1.175875602, 1.50132111, 1.847759065].map(fixed) as Four;
const [C_1_961, C_2_053, C_2_562, C_3_072] = [1.96157056, 2.053119869, 2.562915447, 3.072711026].map(fixed) as Four;

type Four = [number, number, number, number];

const roundShift = (value: number, bits: number) => (value + (1 << (bits - 1))) >> bits;

/** The four odd outputs of both transforms, before they are scaled down. */
const odd = new Int32Array(4);

/** Rotates the four odd inputs; the graph is its own mirror, so that one function serves both ways. */
function rotateOdd(a: number, b: number, c: number, d: number): void {
  const all = Math.imul(a + c + b + d, C_1_175);
  const ad = -Math.imul(a + d, C_0_899);
  const bc = -Math.imul(b + c, C_2_562);
  const ac = all - Math.imul(a + c, C_1_961);
  const bd = all - Math.imul(b + d, C_0_390);
  odd[0] = Math.imul(a, C_0_298) + ad + ac;
  odd[1] = Math.imul(b, C_2_053) + bc + bd;
  odd[2] = Math.imul(c, C_3_072) + bc + ac;
  odd[3] = Math.imul(d, C_1_501) + ad + bd;
}

/** Transforms 8x8 values, -128..127, in place; the result is 8 times the discrete cosine transform. */
export function forwardDct(block: Int32Array): void {
  for (let row = 0; row < 64; row += 8) forwardLine(block, row, 1, true);
  for (let column = 0; column < 8; column++) forwardLine(block, column, 8, false);
}

function forwardLine(block: Int32Array, at: number, step: number, first: boolean): void {
  const x0 = block[at]!;
  const x1 = block[at + step]!;
  const x2 = block[at + 2 * step]!;
  const x3 = block[at + 3 * step]!;
  const x4 = block[at + 4 * step]!;
  const x5 = block[at + 5 * step]!;
  const x6 = block[at + 6 * step]!;
  const x7 = block[at + 7 * step]!;
  const outer = x0 + x7 + x3 + x4;
  const inner = x1 + x6 + x2 + x5;
  const outerTurn = x0 + x7 - x3 - x4;
  const innerTurn = x1 + x6 - x2 - x5;
  const bits = first ? CONSTANT_BITS - PASS_BITS : CONSTANT_BITS + PASS_BITS;
  block[at] = first ? (outer + inner) << PASS_BITS : roundShift(outer + inner, PASS_BITS);
  block[at + 4 * step] = first ? (outer - inner) << PASS_BITS : roundShift(outer - inner, PASS_BITS);
  const turn = Math.imul(outerTurn + innerTurn, C_0_541);
  block[at + 2 * step] = roundShift(turn + Math.imul(outerTurn, C_0_765), bits);
  block[at + 6 * step] = roundShift(turn - Math.imul(innerTurn, C_1_847), bits);
  rotateOdd(x3 - x4, x2 - x5, x1 - x6, x0 - x7);
  block[at + 7 * step] = roundShift(odd[0]!, bits);
  block[at + 5 * step] = roundShift(odd[1]!, bits);
  block[at + 3 * step] = roundShift(odd[2]!, bits);
  block[at + step] = roundShift(odd[3]!, bits);
}

/** The way back, in place, of a cosine transform (not 8 times it): 8x8 values about 0, not clamped. */
export function inverseDct(block: Int32Array): void {
  for (let column = 0; column < 8; column++) inverseLine(block, column, 8, CONSTANT_BITS - PASS_BITS);
  for (let row = 0; row < 64; row += 8) inverseLine(block, row, 1, CONSTANT_BITS + PASS_BITS + 3);
}

function inverseLine(block: Int32Array, at: number, step: number, bits: number): void {
  const x0 = block[at]!;
  const x2 = block[at + 2 * step]!;
  const x4 = block[at + 4 * step]!;
  const x6 = block[at + 6 * step]!;
  const turn = Math.imul(x2 + x6, C_0_541);
  const low = turn - Math.imul(x6, C_1_847);
  const high = turn + Math.imul(x2, C_0_765);
  const sum = (x0 + x4) << CONSTANT_BITS;
  const difference = (x0 - x4) << CONSTANT_BITS;
  rotateOdd(block[at + 7 * step]!, block[at + 5 * step]!, block[at + 3 * step]!, block[at + step]!);
  const evens0 = sum + high;
  const evens1 = difference + low;
  const evens2 = difference - low;
  const evens3 = sum - high;
  block[at] = roundShift(evens0 + odd[3]!, bits);
  block[at + 7 * step] = roundShift(evens0 - odd[3]!, bits);
  block[at + step] = roundShift(evens1 + odd[2]!, bits);
  block[at + 6 * step] = roundShift(evens1 - odd[2]!, bits);
  block[at + 2 * step] = roundShift(evens2 + odd[1]!, bits);
  block[at + 5 * step] = roundShift(evens2 - odd[1]!, bits);
  block[at + 3 * step] = roundShift(evens3 + odd[0]!, bits);
  block[at + 4 * step] = roundShift(evens3 - odd[0]!, bits);
}
