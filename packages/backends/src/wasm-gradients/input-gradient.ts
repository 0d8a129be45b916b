import type { backend_util, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, runNative } from './heap.js';

/**
 * Along one axis: the input pixels whose padded position leaves the same remainder modulo the stride, and how the
 * gradient of the output reaches them.
 */
export interface Phase {
  /** Taps `remainder, remainder + stride, ...` of the filter, `taps` of them. */
  readonly remainder: number;
  readonly stride: number;
  readonly taps: number;
  /** First input pixel of the phase, and how many there are (`stride` apart); none where no gradient reaches them. */
  readonly first: number;
  readonly count: number;
  /** Zeros before and after the gradient; negative where it is cut instead. */
  readonly before: number;
  readonly after: number;
}

/** A forward convolution of `x` with the taps of two phases in reverse order, stride 1, padded as `pad` says. */
export type Convolve = (
  x: TensorInfo,
  vertical: Phase,
  horizontal: Phase,
  pad: backend_util.ExplicitPadding,
) => TensorInfo;

/**
 * Gradient of a 2D convolution (NHWC) with respect to its input, as forward convolutions, for which the wasm backend is
 * fast. With stride 1 it is one convolution of `dy` with the filter turned round. With stride `s`, pixels whose padded
 * position leaves the same remainder modulo `s` meet the same taps, so each remainder is such a convolution with its
 * share of the taps: no multiplication by zero.
 *
 * `dy [B, OH, OW, O]` gives `[B, H, W, C]`.
 */
export function inputGradient(
  info: backend_util.Conv2DInfo,
  dy: TensorInfo,
  backend: BackendWasm,
  convolve: Convolve,
): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
  const vertical = phases(strideHeight, info.filterHeight, padInfo.top, inHeight, outHeight);
  const horizontal = phases(strideWidth, info.filterWidth, padInfo.left, inWidth, outWidth);
  if (strideHeight === 1 && strideWidth === 1) return runPhase(backend, dy, vertical[0]!, horizontal[0]!, convolve);

  const result = backend.makeOutput([batchSize, inHeight, inWidth, inChannels], 'float32');
  if ([...vertical, ...horizontal].some(({ count }) => count === 0)) floats(backend, result).fill(0);
  for (const v of vertical) {
    for (const h of horizontal) {
      if (v.count === 0 || h.count === 0) continue;
      const part = runPhase(backend, dy, v, h, convolve); // [B, v.count, h.count, C]
      const memory = new Float32Array(floats(backend, part).buffer); // both lie in it
      const start = floats(backend, result).byteOffset / 4;
      let from = floats(backend, part).byteOffset / 4;
      for (let b = 0; b < batchSize; b++) {
        for (let i = 0; i < v.count; i++) {
          let to = start + ((b * inHeight + v.first + i * strideHeight) * inWidth + h.first) * inChannels;
          for (let j = 0; j < h.count; j++, from += inChannels, to += strideWidth * inChannels) {
            memory.copyWithin(to, from, from + inChannels);
          }
        }
      }
      backend.disposeData(part.dataId);
    }
  }
  return result;
}

function phases(stride: number, kernel: number, padding: number, inSize: number, outSize: number): Phase[] {
  return Array.from({ length: stride }, (_, remainder) => {
    const taps = Math.max(0, Math.ceil((kernel - remainder) / stride));
    // Pixel i stands at padded position i + padding = stride * m + remainder, and meets dy[m], dy[m - 1], ...
    const start = Math.max(0, Math.ceil((padding - remainder) / stride));
    const end = Math.floor((inSize - 1 + padding - remainder) / stride) + 1;
    const before = taps - 1 - start;
    const after = end - outSize;
    const reached = taps > 0 && outSize + Math.min(0, before) + Math.min(0, after) > 0;
    const count = reached ? Math.max(0, end - start) : 0;
    return { remainder, stride, taps, first: stride * start + remainder - padding, count, before, after };
  });
}

/** The gradient of the pixels of one phase `[B, v.count, h.count, C]`. */
function runPhase(backend: BackendWasm, dy: TensorInfo, v: Phase, h: Phase, convolve: Convolve): TensorInfo {
  const part = cutBorder(backend, dy, v, h);
  const zeros = (amount: number) => Math.max(0, amount);
  const result = convolve(part, v, h, [
    [0, 0],
    [zeros(v.before), zeros(v.after)],
    [zeros(h.before), zeros(h.after)],
    [0, 0],
  ]);
  if (part !== dy) backend.disposeData(part.dataId);
  return result;
}

/** `dy` without the rows and columns that only the border of the convolution saw. */
function cutBorder(backend: BackendWasm, dy: TensorInfo, v: Phase, h: Phase): TensorInfo {
  if (v.before >= 0 && v.after >= 0 && h.before >= 0 && h.after >= 0) return dy;
  const [batch, height, width, channels] = dy.shape as [number, number, number, number];
  const excess = (amount: number) => Math.max(0, -amount);
  return runNative(
    'Slice',
    backend,
    { x: dy },
    {
      begin: [0, excess(v.before), excess(h.before), 0],
      size: [batch, height - excess(v.before) - excess(v.after), width - excess(h.before) - excess(h.after), channels],
    },
  );
}
