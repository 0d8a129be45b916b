/**
 * Philox4x32-10 as its paper gives it (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011), one counter
 * at a time: what the vectorised native code is measured against.
 */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [a, b, c, d] = counter as [number, number, number, number];
  let [key0, key1] = key as [number, number];
  for (let round = 0; round < 10; round++) {
    const [p, q] = [0xd2511f53n * BigInt(a), 0xcd9e8d57n * BigInt(c)];
    [a, b, c, d] = [(high(q) ^ b ^ key0) >>> 0, low(q), (high(p) ^ d ^ key1) >>> 0, low(p)];
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

const high = (x: bigint) => Number(x >> 32n);
const low = (x: bigint) => Number(x & 0xffffffffn);

/** The first `n` random numbers of a seed in the order of `native/kernels/random.cc`. */
export function numbersOf(seed: number, n: number): Uint32Array {
  const lanes = 16;
  const key = Array.from(new Uint32Array(new Float64Array([seed]).buffer));
  const numbers = new Uint32Array(Math.ceil(n / (4 * lanes)) * 4 * lanes);
  for (let counter = 0; counter < numbers.length / 4; counter++) {
    const block = Math.floor(counter / lanes);
    for (const [word, number] of philox([counter, 0, 0, 0], key).entries()) {
      numbers[4 * lanes * block + lanes * word + (counter % lanes)] = number;
    }
  }
  return numbers.subarray(0, n);
}
