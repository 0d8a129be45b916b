import { readFileSync } from 'node:fs';
import { decodeSafetensors, type NdArray } from '@proj/core';
import type { AnyImage, TransformJson } from '../src/index.js';
import drawn from './goldens/drawn.json' with { type: 'json' };
import golden from './goldens/torchvision.json' with { type: 'json' };

/** One call of torchvision or Pillow: `input` and `output` name tensors. */
export interface Case {
  readonly name: string;
  readonly options: Omit<TransformJson, 'name'>;
  readonly params: unknown;
  readonly input: string;
  readonly output: string;
  /** Of `elasticTransform`: pixels along x and y, `[H, W, 2]`, and the noise of -1..1 that they were smoothed from. */
  readonly displacement?: string;
  readonly noise?: string;
}

export const cases = [...golden.cases, ...drawn.cases] as unknown as readonly Case[];
export const { spaces, policies, batches } = golden;

const [given, recorded] = ['torchvision', 'drawn'].map(
  (name) => decodeSafetensors(readFileSync(new URL(`goldens/${name}.safetensors`, import.meta.url))).tensors,
);
const tensors: Record<string, NdArray | undefined> = { ...given, ...recorded };

export function tensor(name: string): NdArray {
  const found = tensors[name];
  if (found === undefined) throw new Error(`no tensor ${name}`);
  return found;
}

/** A tensor `[H, W, C]` as a picture of its kind. */
export function picture(name: string): AnyImage {
  const { data, shape } = tensor(name);
  const [height, width, channels] = shape as [number, number, number];
  const values = data instanceof Uint8Array ? new Uint8ClampedArray(data) : data;
  return { data: values, width, height, channels } as AnyImage;
}
