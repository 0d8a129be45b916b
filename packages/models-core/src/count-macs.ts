import { ProjError } from '@proj/core';
import type * as tf from '@tensorflow/tfjs';

/** Cost of one forward pass. */
export interface MacCount {
  /** Multiply-accumulate operations for one picture; twice as many FLOPs, three times as many in training. */
  readonly total: number;
  /** The layers that have any. */
  readonly layers: readonly { readonly name: string; readonly className: string; readonly macs: number }[];
}

/**
 * Counts the multiply-accumulate operations of convolution and dense layers for one example, from the layers'
 * shapes. Biases, normalisation, activations and pools count nothing, as is usual.
 *
 * @throws ProjError `unknown-layer` for a layer with a weight matrix whose cost this function does not know (recurrent,
 *   nested, shared or transposed ones), rather than too small a number.
 */
export function countMacs(model: tf.LayersModel): MacCount {
  const layers = model.layers
    .map((layer) => ({ name: layer.name, className: layer.getClassName(), macs: macsOf(layer) }))
    .filter(({ macs }) => macs > 0);
  return { total: layers.reduce((sum, { macs }) => sum + macs, 0), layers };
}

function macsOf(layer: tf.layers.Layer): number {
  const matrices = layer.weights.filter(({ shape }) => shape.length > 1);
  if (matrices.length === 0) return 0;
  const isUsedOnce = layer.inboundNodes.length === 1;
  const outputs = isUsedOnce ? (layer.outputShape as tf.Shape).slice(1).map(Number) : [];
  const positions = outputs.slice(0, -1).reduce((product, side) => product * side, 1);
  const sizes = matrices.map(({ shape }) => shape.reduce((product, side) => product! * side!, 1) as number);
  switch (isUsedOnce ? layer.getClassName() : 'shared') {
    case 'Dense':
    case 'Conv1D':
    case 'Conv2D':
    case 'Conv3D':
    case 'DepthwiseConv2D':
    case 'SeparableConv2D':
      // Every number of a kernel is used once at each position of the output.
      if (positions > 0) return positions * sizes.reduce((sum, size) => sum + size, 0);
      break;
  }
  throw new ProjError(`Cannot count the operations of layer ${layer.name}`, {
    code: 'unknown-layer',
    expected: 'convolution and dense layers of fixed size, each used once',
    received: `${layer.getClassName()} used ${layer.inboundNodes.length} times, output [${outputs}]`,
  });
}
