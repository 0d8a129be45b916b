import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

/** A picture as golden files hold it: rows of all channels, deflated, base64. */
export interface Packed {
  readonly width: number;
  readonly height: number;
  readonly data: string;
}

export function unpack(data: string): Uint8Array {
  return new Uint8Array(inflateSync(Buffer.from(data, 'base64')));
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./goldens/${name}`, import.meta.url), 'utf8')) as T;
}

/** The largest difference between two pictures' values. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
