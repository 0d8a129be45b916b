import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { OnnxGraph } from './onnx-graph.js';
import {
  alongLast,
  CHANNELS_FIRST,
  constant,
  filled,
  inOrder,
  NO_PADS,
  natural,
  type Pads,
  plus,
  type Value,
} from './onnx-values.js';

/**
 * A layers model as a serialised ONNX model that computes the same in inference: input and output have the model's own
 * names and shapes (pictures `[B, H, W, C]`), the number of pictures stays free.
 *
 * ONNX's convolutions and pools want channels first, so pictures are transposed once, at the input, and stay so until a
 * layer needs their numbers in TensorFlow's order, such as a reshape. What its runtimes do best they are given as their
 * usual exporters would: zero padding within the convolution that follows, batch normalisation as a node of its own, which
 * they fold into the convolution's weights.
 *
 * @throws ProjError `unknown-layer` for a layer, or a setting of one, that this function has no ONNX for.
 */
export function toOnnx(model: tf.LayersModel): Uint8Array {
  const graph = new OnnxGraph();
  tf.tidy(() => addLayers(graph, model));
  const named = ({ sourceLayer, shape }: tf.SymbolicTensor) => ({ name: sourceLayer.name, shape });
  return graph.serialise(model.name, model.inputs.map(named), model.outputs.map(named));
}

function addLayers(graph: OnnxGraph, model: tf.LayersModel): void {
  const values = new Map<number, Value>();
  for (const { id, rank, sourceLayer } of model.inputs) {
    const value = { name: sourceLayer.name, order: natural(rank) };
    values.set(id, rank === 4 ? inOrder(graph, value, CHANNELS_FIRST) : value);
  }
  for (const layer of model.layers) {
    if (layer.getClassName() === 'InputLayer') continue;
    assertKnown(layer, layer.inboundNodes.length === 1, `a layer used once, not ${layer.inboundNodes.length} times`);
    const { inputTensors, outputTensors } = layer.inboundNodes[0]!;
    const convert = LAYERS[layer.getClassName()];
    if (convert === undefined) throw unknown(layer, `one of ${Object.keys(LAYERS).join(', ')}`);
    const call: Call = {
      graph,
      layer,
      config: layer.getConfig(),
      weights: layer.getWeights(),
      inputs: inputTensors.map(({ id }) => values.get(id)!),
      inputShape: inputTensors[0]!.shape,
      outputShape: outputTensors[0]!.shape,
    };
    values.set(outputTensors[0]!.id, convert(call));
  }
  for (const { id, rank, sourceLayer } of model.outputs) {
    const { name } = inOrder(graph, values.get(id)!, natural(rank));
    graph.node(sourceLayer.name, 'Identity', [name]);
  }
}

/** A layer at work. */
interface Call {
  readonly graph: OnnxGraph;
  readonly layer: tf.layers.Layer;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly tf.Tensor[];
  readonly inputs: readonly Value[];
  /** Of the first input. */
  readonly inputShape: tf.Shape;
  readonly outputShape: tf.Shape;
}

const LAYERS: Readonly<Record<string, (call: Call) => Value>> = {
  Rescaling: rescaling,
  Conv2D: convolution,
  DepthwiseConv2D: convolution,
  ZeroPadding2D: zeroPadding,
  BatchNormalization: batchNormalization,
  Activation: (call) => activated(call, call.inputs[0]!),
  ReLU: relu,
  Add: (call) => merged(call, 'Add'),
  Multiply: (call) => merged(call, 'Mul'),
  MaxPooling2D: (call) => pooled(call, 'MaxPool'),
  AveragePooling2D: (call) => pooled(call, 'AveragePool'),
  GlobalAveragePooling2D: globalAverage,
  Dense: dense,
  Flatten: reshaped,
  Reshape: reshaped,
  Permute: permuted,
  Dropout: ({ inputs }) => inputs[0]!,
};

function rescaling({ graph, layer, config, inputs, inputShape }: Call): Value {
  const { order, name } = filled(graph, inputs[0]!);
  const numbers = (value: unknown) => {
    const list = Array.isArray(value) ? (value as number[]) : [value as number];
    assertKnown(layer, list.length === 1 || list.length === inputShape.at(-1), 'a number, or one a channel');
    return list;
  };
  const scale = alongLast(graph, `${layer.name}:scale`, numbers(config.scale), order);
  const offset = alongLast(graph, `${layer.name}:offset`, numbers(config.offset), order);
  const scaled = graph.node(`${layer.name}:mul`, 'Mul', [name, scale]);
  return { order, name: graph.node(`${layer.name}:add`, 'Add', [scaled, offset]) };
}

/** Also depthwise, where each channel is a group of its own. */
function convolution(call: Call): Value {
  const { graph, layer, config, weights, inputs, inputShape } = call;
  const [kernel, bias] = weights as [tf.Tensor, tf.Tensor | undefined];
  const isDepthwise = layer.getClassName() === 'DepthwiseConv2D';
  const [height, width, channels, count] = kernel.shape as [number, number, number, number];
  const { name, pads = NO_PADS } = inOrder(graph, inputs[0]!, CHANNELS_FIRST, { keepPads: true });
  const [kernelName, biasName] = [`${layer.name}:kernel`, `${layer.name}:bias`];
  const parameters = [
    isDepthwise
      ? constant(graph, kernelName, kernel, [2, 3, 0, 1], [channels * count, 1, height, width])
      : constant(graph, kernelName, kernel, [3, 2, 0, 1], [count, channels, height, width]),
    ...(bias === undefined ? [] : [constant(graph, biasName, bias)]),
  ];
  const attributes = {
    ...windows(call, [height, width], pads),
    dilations: config.dilationRate as number[],
    group: isDepthwise ? inputShape[3]! : 1,
  };
  return activated(call, {
    name: graph.node(`${layer.name}:conv`, 'Conv', [name, ...parameters], attributes),
    order: CHANNELS_FIRST,
  });
}

function zeroPadding({ graph, layer, config, inputs }: Call): Value {
  assertChannelsLast(layer, config);
  const { pads = NO_PADS, ...value } = inOrder(graph, inputs[0]!, CHANNELS_FIRST, { keepPads: true });
  const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]];
  return { ...value, pads: plus(pads, [top, left, bottom, right]) };
}

function batchNormalization({ graph, layer, config, weights, inputs, inputShape }: Call): Value {
  const rank = inputShape.length;
  const isOverChannels = config.axis === -1 || config.axis === rank - 1;
  assertKnown(layer, isOverChannels && (rank === 2 || rank === 4), 'the last axis of two or four to be normalised');
  const { name, order } = inOrder(graph, inputs[0]!, rank === 4 ? CHANNELS_FIRST : natural(rank));
  const rest = [...weights];
  const scale = config.scale ? rest.shift() : undefined;
  const shift = config.center ? rest.shift() : undefined;
  const parameters = [
    constant(graph, `${layer.name}:gamma`, scale ?? tf.ones([inputShape.at(-1)!])),
    constant(graph, `${layer.name}:beta`, shift ?? tf.zeros([inputShape.at(-1)!])),
    constant(graph, `${layer.name}:mean`, rest[0]!),
    constant(graph, `${layer.name}:variance`, rest[1]!),
  ];
  const epsilon = { float: config.epsilon as number };
  return { name: graph.node(`${layer.name}:norm`, 'BatchNormalization', [name, ...parameters], { epsilon }), order };
}

/** What the layer's own activation makes of `value`. */
function activated({ graph, layer, config }: Call, value: Value): Value {
  const { name, order } = filled(graph, value);
  switch (config.activation) {
    case 'linear':
      return value;
    case 'relu':
      return { name: graph.node(`${layer.name}:relu`, 'Relu', [name]), order, nonNegative: true };
    case 'sigmoid':
      return { name: graph.node(`${layer.name}:sigmoid`, 'Sigmoid', [name]), order };
    case 'swish': {
      const gate = graph.node(`${layer.name}:sigmoid`, 'Sigmoid', [name]);
      return { name: graph.node(`${layer.name}:swish`, 'Mul', [name, gate]), order };
    }
    default:
      throw unknown(layer, 'activation linear, relu, sigmoid or swish', String(config.activation));
  }
}

function relu(call: Call): Value {
  assertKnown(call.layer, (call.config.maxValue ?? null) === null, 'a ReLU without greatest value');
  return activated({ ...call, config: { activation: 'relu' } }, call.inputs[0]!);
}

function merged({ graph, layer, inputs }: Call, operator: 'Add' | 'Mul'): Value {
  const { order } = inputs[0]!;
  const isSameRank = inputs.every((input) => input.order.length === order.length);
  assertKnown(layer, isSameRank, 'inputs of one rank');
  const [first, ...others] = inputs.map((input) => inOrder(graph, input, order).name) as [string, ...string[]];
  const name = others.reduce((sum, other, i) => graph.node(`${layer.name}:${i + 1}`, operator, [sum, other]), first);
  return { name, order };
}

function pooled(call: Call, operator: 'MaxPool' | 'AveragePool'): Value {
  const { graph, layer, config, inputs } = call;
  // ONNX pads a maximum with -Infinity and leaves padding out of means.
  const keepPads = operator === 'MaxPool' && inputs[0]!.nonNegative === true;
  const { name, pads = NO_PADS } = inOrder(graph, inputs[0]!, CHANNELS_FIRST, { keepPads });
  const attributes = windows(call, config.poolSize as [number, number], pads);
  return { name: graph.node(`${layer.name}:pool`, operator, [name], attributes), order: CHANNELS_FIRST };
}

function globalAverage({ graph, layer, config, inputs }: Call): Value {
  assertChannelsLast(layer, config);
  const { name } = inOrder(graph, inputs[0]!, CHANNELS_FIRST);
  const mean = graph.node(`${layer.name}:mean`, 'GlobalAveragePool', [name]); // [B, C, 1, 1]
  return { name: graph.node(`${layer.name}:flat`, 'Flatten', [mean], { axis: 1 }), order: [0, 1] };
}

/** Over the last axis; the others may lie in any order. */
function dense(call: Call): Value {
  const { graph, layer, weights, inputs, inputShape } = call;
  const [kernel, bias] = weights as [tf.Tensor, tf.Tensor | undefined];
  const last = inputShape.length - 1;
  const isLast = inputs[0]!.order.at(-1) === last;
  const { name, order } = inOrder(graph, inputs[0]!, isLast ? inputs[0]!.order : natural(last + 1));
  let out = graph.node(`${layer.name}:matmul`, 'MatMul', [name, constant(graph, `${layer.name}:kernel`, kernel)]);
  if (bias) out = graph.node(`${layer.name}:add`, 'Add', [out, constant(graph, `${layer.name}:bias`, bias)]);
  return activated(call, { name: out, order });
}

/** The same numbers in TensorFlow's order. */
function reshaped({ graph, layer, inputs, inputShape, outputShape }: Call): Value {
  const sizes = outputShape.slice(1) as number[];
  if (sizes.join() === inputShape.slice(1).join()) return inputs[0]!;
  assertKnown(layer, sizes.every(Number.isInteger), 'a shape whose sizes are known');
  // A vector reads the same as a map of one pixel, whichever axis is named first.
  const isPixel = inputShape.length === 2 && sizes.length === 3 && sizes[0] === 1 && sizes[1] === 1;
  const order = isPixel ? CHANNELS_FIRST : natural(outputShape.length);
  const { name } = inOrder(graph, inputs[0]!, natural(inputShape.length));
  const target = order.map((axis) => (axis === 0 ? -1 : sizes[axis - 1]!));
  const shape = graph.integers(`${layer.name}:shape`, target);
  return { name: graph.node(`${layer.name}:reshape`, 'Reshape', [name, shape]), order };
}

/** Moves no numbers: only the axes' names change. */
function permuted({ graph, config, inputs }: Call): Value {
  const { name, order } = filled(graph, inputs[0]!);
  const axes = [0, ...(config.dims as number[])]; // axis i of the output is axis axes[i] of the input
  return { name, order: order.map((axis) => axes.indexOf(axis)) };
}

/** Attributes of what moves a window over a map that `pads` are still to be put around. */
function windows({ layer, config, inputShape }: Call, size: readonly [number, number], pads: Pads) {
  assertChannelsLast(layer, config);
  const [rows, columns] = [0, 1].map((axis): [before: number, after: number] => {
    if (config.padding !== 'same') return [0, 0];
    const side = inputShape[axis + 1];
    if (typeof side !== 'number') throw unknown(layer, "a map of known size for padding 'same'");
    const stride = (config.strides as number[])[axis]!;
    const dilation = (config.dilationRate as number[] | undefined)?.[axis] ?? 1;
    const reach = (Math.ceil(side / stride) - 1) * stride + (size[axis]! - 1) * dilation + 1;
    const total = Math.max(reach - side, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  }) as [[number, number], [number, number]];
  return {
    kernel_shape: size,
    strides: config.strides as number[],
    pads: plus(pads, [rows[0], columns[0], rows[1], columns[1]]),
  };
}

function assertChannelsLast(layer: tf.layers.Layer, { dataFormat = 'channelsLast' }: Call['config']): void {
  assertKnown(layer, dataFormat === 'channelsLast', 'dataFormat channelsLast');
}

function assertKnown(layer: tf.layers.Layer, holds: boolean, expected: string): void {
  if (!holds) throw unknown(layer, expected);
}

function unknown(layer: tf.layers.Layer, expected: string, received = layer.getClassName()): ProjError {
  return new ProjError(`No ONNX for layer ${layer.name}`, { code: 'unknown-layer', expected, received });
}
