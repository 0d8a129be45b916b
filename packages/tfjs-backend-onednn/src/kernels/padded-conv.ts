import type { TensorInfo } from '@tensorflow/tfjs';
import type { OnednnBackend, Operand } from '../backend.js';
import { autocast } from '../precision.js';

/** Where a convolution's input lies in the maps that it is computed for; rows and columns beside it are zeros. */
interface Inner {
  readonly shape: readonly number[];
  /** Rows above and columns to the left. */
  readonly before: readonly [number, number];
}

/**
 * The padding behind `input` pixels with which they give `output`, `before` of it in front, if there is one. `filter` is its
 * reach with dilation.
 */
export function padAfter(
  input: number,
  output: number,
  stride: number,
  filter: number,
  before: number,
): number | undefined {
  const reach = (output - 1) * stride + filter - input - before;
  return reach > -stride ? Math.max(0, reach) : undefined;
}

/**
 * The geometry, in the numbers of `native/conv.h`, of a convolution of the inner maps alone that gives what `geometry` gives for
 * all; undefined where that would take more padding than the filter reaches, or where there are no inner maps.
 */
function geometryInside(
  [strideH, strideW, dilationH, dilationW, top, , left, , depthwise]: readonly number[],
  { shape, before }: Inner,
  filter: readonly number[],
  output: readonly number[],
): number[] | undefined {
  if (shape.includes(0)) return undefined;
  const reach = [(filter[0]! - 1) * dilationH! + 1, (filter[1]! - 1) * dilationW! + 1] as const;
  const [newTop, newLeft] = [top! + before[0], left! + before[1]];
  const bottom = padAfter(shape[1]!, output[1]!, strideH!, reach[0], newTop);
  const right = padAfter(shape[2]!, output[2]!, strideW!, reach[1], newLeft);
  if (bottom === undefined || right === undefined) return undefined;
  if (Math.max(newTop, bottom) >= reach[0] || Math.max(newLeft, right) >= reach[1]) return undefined;
  return [strideH!, strideW!, dilationH!, dilationW!, newTop, bottom, newLeft, right, depthwise!];
}

/**
 * A convolution of maps that are others with zeros around them, not computed yet, is one of the others with that padding: its
 * input and geometry, or those given.
 */
export function withoutPadding(
  backend: OnednnBackend,
  x: TensorInfo,
  geometry: number[],
  filter: readonly number[],
  output: readonly number[],
): { x: NonNullable<Operand>; geometry: number[] } {
  const pad = backend.deferredCall(x, 'pad');
  const inner = pad?.inputs[0];
  if (pad === undefined || inner === undefined) return { x, geometry };
  const [batch, top, left, channel] = pad.numbers.slice(1) as [number, number, number, number];
  const others = [0, 3].some((i) => inner.shape[i] !== x.shape[i]) || batch !== 0 || channel !== 0;
  const inside = others
    ? undefined
    : geometryInside(geometry, { shape: inner.shape, before: [top, left] }, filter, output);
  return inside === undefined ? { x, geometry } : { x: inner, geometry: inside };
}

/**
 * The part of `dx` from `begin` on, of `shape`, where `dx` is the gradient of a convolution's input that is not computed yet:
 * then only that part will be. So goes the gradient of a padding.
 */
export function innerGradient(
  backend: OnednnBackend,
  dx: TensorInfo,
  begin: readonly number[],
  shape: readonly number[],
): TensorInfo | undefined {
  const call = backend.deferredCall(dx, 'conv2d_backward_data');
  if (call === undefined || [0, 3].some((i) => shape[i] !== dx.shape[i])) return undefined;
  const [dy, filter] = call.inputs;
  const inner: Inner = { shape, before: [begin[1]!, begin[2]!] };
  const geometry = geometryInside(call.numbers, inner, filter!.shape, dy!.shape);
  if (geometry === undefined) return undefined;
  return autocast(call.precision, () => backend.defer(call.op, call.inputs, shape, geometry)); // [B, h, w, C]
}
