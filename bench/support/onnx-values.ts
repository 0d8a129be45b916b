import * as tf from '@tensorflow/tfjs';
import type { OnnxGraph } from './onnx-graph.js';

/** A tensor of the graph. */
export interface Value {
  readonly name: string;
  /** Axis `i` of the ONNX tensor is axis `order[i]` of the layer's. */
  readonly order: Order;
  /** Zeros that are still to be put around height and width: above, to the left, below, to the right. */
  readonly pads?: Pads;
  /** Whether it is known to hold nothing below 0. */
  readonly nonNegative?: boolean;
}

export type Order = readonly number[];
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

export const CHANNELS_FIRST: Order = [0, 3, 1, 2];
export const NO_PADS: Pads = [0, 0, 0, 0];

export function plus(a: Pads, b: Pads): Pads {
  return a.map((pad, i) => pad + b[i]!) as unknown as Pads;
}

/** With its axes in another order, and with the zeros around it unless `keepPads`. */
export function inOrder(graph: OnnxGraph, value: Value, order: Order, { keepPads = false } = {}): Value {
  const source = keepPads ? value : filled(graph, value);
  if (source.order.join() === order.join()) return source;
  // Zeros that are kept are counted by height and width and do not care for the order.
  const perm = order.map((axis) => source.order.indexOf(axis));
  const name = graph.node(`${source.name}:transposed${perm.join('')}`, 'Transpose', [source.name], { perm });
  return { ...source, order, name };
}

/** With the zeros around it. */
export function filled(graph: OnnxGraph, { pads, ...value }: Value): Value {
  if (pads === undefined) return value;
  const [top, left, bottom, right] = pads;
  const around: Readonly<Record<number, [number, number]>> = { 1: [top, bottom], 2: [left, right] };
  const sides = [0, 1].flatMap((side) => value.order.map((axis) => around[axis]?.[side] ?? 0));
  const name = `${value.name}:padded${sides.join('_')}`;
  return { ...value, name: graph.node(name, 'Pad', [value.name, graph.integers(`${name}:sides`, sides)]) };
}

/** Numbers along the last axis of a layer's tensor, to be broadcast over the ONNX tensor. */
export function alongLast(graph: OnnxGraph, name: string, numbers: readonly number[], order: Order): string {
  const behind = order.length - 1 - order.indexOf(order.length - 1);
  return graph.floats(name, [numbers.length, ...Array<number>(behind).fill(1)], Float32Array.from(numbers));
}

/** A weight, its axes in another order and counted as `dims` where these are given. */
export function constant(graph: OnnxGraph, name: string, weight: tf.Tensor, order?: number[], dims?: number[]): string {
  const turned = order === undefined ? weight : tf.transpose(weight, order);
  return graph.floats(name, dims ?? turned.shape, turned.dataSync() as Float32Array);
}

export function natural(rank: number): Order {
  return Array.from({ length: rank }, (_, axis) => axis);
}
