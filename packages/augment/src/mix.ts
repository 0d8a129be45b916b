import { type NdArray, ProjError, type Rng } from '@proj/core';
import { betaVariate } from './distributions.js';
import type { Box } from './kernels/resample.js';
import { checkNumber, type Defaults, required, resolveOptions } from './options.js';

/** Pictures `[B, H, W, C]` of bytes or real numbers with class indices `[B]`, or `[B, L]` for L characters. */
export interface LabelledBatch {
  readonly inputs: NdArray<Uint8Array | Float32Array>;
  readonly labels: NdArray<Int32Array>;
}

/** Pictures `[B, H, W, C]` with the probability of each class, `[B, numClasses]` or `[B, L, numClasses]`. */
export interface MixedBatch {
  readonly inputs: NdArray<Uint8Array | Float32Array>;
  readonly targets: NdArray<Float32Array>;
}

export interface MixOptions {
  /** Both parameters of the beta distribution of the share. Default 1: all shares equally likely. */
  readonly alpha?: number | undefined;
  readonly numClasses: number;
}

/** A mix of the pictures of a batch, in the two steps of a transform. */
export interface BatchMix<P> {
  readonly name: string;
  /** @param shape `[B, H, W, C]` */
  sample(rng: Rng, shape: readonly number[]): P;
  /** A pure function. @throws ProjError `invalid-batch`. */
  apply(batch: LabelledBatch, params: P): MixedBatch;
  toJSON(): { readonly name: string; readonly alpha: number; readonly numClasses: number };
}

/** Share of each picture in its mix; the rest is the one before it in the batch. */
export type MixUpParams = { readonly lambda: number };

/** Where each picture shows the one before it in the batch. */
export type CutMixParams = { readonly box: Box };

/**
 * Each picture laid over the one before it (Zhang et al., 2017), labels mixed alike; torchvision's `MixUp`: one share for the
 * whole batch. Bytes are rounded.
 *
 * @throws ProjError `missing-option`, `unknown-option`, `invalid-option`.
 */
export const mixUp = defineMix<MixUpParams>(
  'mixUp',
  (rng, alpha) => ({ lambda: betaVariate(rng, alpha) }),
  (inputs, { lambda }) => ({ data: blendWithPrevious(inputs, lambda), lambda }),
);

/**
 * A rectangle of each picture shows the one before it (Yun et al., 2019), labels mixed by area; torchvision's `CutMix`: one
 * rectangle for the whole batch.
 *
 * @throws ProjError `missing-option`, `unknown-option`, `invalid-option`.
 */
export const cutMix = defineMix<CutMixParams>(
  'cutMix',
  (rng, alpha, [, height, width]) => {
    const lambda = betaVariate(rng, alpha);
    const [x, y] = [rng.int(width), rng.int(height)];
    const reach = 0.5 * Math.sqrt(1 - lambda);
    const [columns, rows] = [Math.trunc(reach * width), Math.trunc(reach * height)];
    const [left, top] = [Math.max(0, x - columns), Math.max(0, y - rows)];
    return {
      box: { top, left, height: Math.min(height, y + rows) - top, width: Math.min(width, x + columns) - left },
    };
  },
  (inputs, { box }) => {
    const [, height, width] = inputs.shape as Shape4;
    return { data: pasteFromPrevious(inputs, box), lambda: 1 - (box.width * box.height) / (width * height) };
  },
);

type Shape4 = readonly [batch: number, height: number, width: number, channels: number];

const defaults: Defaults<MixOptions> = { alpha: 1, numClasses: required };

function defineMix<P>(
  name: string,
  sample: (rng: Rng, alpha: number, shape: Shape4) => P,
  mix: (inputs: LabelledBatch['inputs'], params: P) => { data: Uint8Array | Float32Array; lambda: number },
): (options: MixOptions) => BatchMix<P> {
  return (given) => {
    const { alpha, numClasses } = resolveOptions(name, defaults, given);
    checkNumber(name, 'alpha', alpha, { min: Number.MIN_VALUE });
    checkNumber(name, 'numClasses', numClasses, { min: 1, integer: true });
    return {
      name,
      sample: (rng, shape) => sample(rng, alpha, shape as Shape4),
      apply: (batch, params) => {
        checkBatch(batch, numClasses);
        const { data, lambda } = mix(batch.inputs, params);
        return { inputs: { data, shape: batch.inputs.shape }, targets: mixLabels(batch.labels, lambda, numClasses) };
      },
      toJSON: () => ({ name, alpha, numClasses }),
    };
  };
}

function blendWithPrevious({ data, shape }: LabelledBatch['inputs'], lambda: number): Uint8Array | Float32Array {
  const out = data.slice();
  const size = data.length / shape[0]!;
  const half = data instanceof Uint8Array ? 0.5 : 0;
  for (let i = 0; i < out.length; i++) {
    const previous = data[i < size ? i + data.length - size : i - size]!;
    out[i] = data[i]! * lambda + previous * (1 - lambda) + half; // a byte array truncates
  }
  return out;
}

function pasteFromPrevious({ data, shape }: LabelledBatch['inputs'], box: Box): Uint8Array | Float32Array {
  const [batch, height, width, channels] = shape as Shape4;
  const out = data.slice();
  const size = height * width * channels;
  for (let b = 0; b < batch; b++) {
    const previous = ((b + batch - 1) % batch) * size;
    for (let y = box.top; y < box.top + box.height; y++) {
      const at = (y * width + box.left) * channels;
      const row = data.subarray(previous + at, previous + at + box.width * channels);
      (out as Float32Array).set(row, b * size + at);
    }
  }
  return out;
}

function mixLabels(
  { data, shape }: LabelledBatch['labels'],
  lambda: number,
  numClasses: number,
): MixedBatch['targets'] {
  const targets = new Float32Array(data.length * numClasses);
  const positions = data.length / shape[0]!;
  for (let i = 0; i < data.length; i++) {
    const previous = data[i < positions ? i + data.length - positions : i - positions]!;
    targets[i * numClasses + data[i]!]! += lambda;
    targets[i * numClasses + previous]! += 1 - lambda;
  }
  return { data: targets, shape: [...shape, numClasses] };
}

function checkBatch({ inputs, labels }: LabelledBatch, numClasses: number): void {
  const size = inputs.shape.reduce((product, side) => product * side, 1);
  const fits =
    inputs.shape.length === 4 &&
    size === inputs.data.length &&
    labels.shape[0] === inputs.shape[0] &&
    labels.data.length === labels.shape.reduce((product, side) => product * side, 1);
  const wrong = labels.data.find((label) => label < 0 || label >= numClasses);
  if (fits && wrong === undefined) return;
  throw new ProjError('Cannot mix this batch', {
    code: 'invalid-batch',
    expected: `inputs [B, H, W, C], labels [B] or [B, L] of 0..${numClasses - 1}`,
    received: `inputs [${inputs.shape}], labels [${labels.shape}]${wrong === undefined ? '' : ` with ${wrong}`}`,
  });
}
