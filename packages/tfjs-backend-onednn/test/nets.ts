import * as tf from '@tensorflow/tfjs';

type Node = tf.SymbolicTensor;
const { layers } = tf;

/** A layer applied to a node, as a node. */
const on = (layer: tf.layers.Layer, x: Node | Node[]) => layer.apply(x) as Node;
const relu = (x: Node) => on(layers.reLU(), x);
const norm = (x: Node) => on(layers.batchNormalization(), x);

/** Convolution with PyTorch's padding, the same number of zeros on every side: `[B, H, W, C] -> [B, H/s, W/s, filters]`. */
function conv(x: Node, filters: number, kernelSize: number, strides = 1): Node {
  const side = Math.floor(kernelSize / 2);
  const padded = side === 0 ? x : on(layers.zeroPadding2d({ padding: side }), x);
  return on(layers.conv2d({ filters, kernelSize, strides, useBias: false }), padded);
}

function depthwise(x: Node, kernelSize: number, strides = 1): Node {
  const padded = on(layers.zeroPadding2d({ padding: Math.floor(kernelSize / 2) }), x);
  return on(layers.depthwiseConv2d({ kernelSize, strides, useBias: false }), padded);
}

/** `[B, H, W, 3] -> [B, 4]` by global average pool and dense layer. */
function classifier(body: (x: Node) => Node): tf.LayersModel {
  const input = tf.input({ shape: [32, 40, 3] });
  const pooled = on(layers.globalAveragePooling2d({}), body(input));
  return tf.model({ inputs: input, outputs: on(layers.dense({ units: 4 }), pooled) });
}

/** Stem 7x7 of stride 2, max pool 3x3 of stride 2, basic blocks (He et al., 2016). */
function resNet(): tf.LayersModel {
  const block = (x: Node, filters: number, strides: number) => {
    const inner = norm(conv(relu(norm(conv(x, filters, 3, strides))), filters, 3));
    const shortcut = strides === 1 ? x : norm(conv(x, filters, 1, strides));
    return relu(on(layers.add(), [inner, shortcut]));
  };
  return classifier((pixels) => {
    let x = relu(norm(conv(pixels, 8, 7, 2))); // [B, 16, 20, 8]
    x = on(layers.maxPooling2d({ poolSize: 3, strides: 2 }), on(layers.zeroPadding2d({ padding: 1 }), x)); // [B, 8, 10, 8]
    x = on(layers.maxPooling2d({ poolSize: 3, strides: 1, padding: 'same' }), x);
    return block(block(x, 8, 1), 16, 2); // [B, 4, 5, 16]
  });
}

/** Pre-activation blocks with dropout between their convolutions (Zagoruyko and Komodakis, 2016). */
function wideResNet(): tf.LayersModel {
  const block = (x: Node, filters: number, strides: number) => {
    const active = relu(norm(x));
    const inner = on(layers.dropout({ rate: 0.3 }), relu(norm(conv(active, filters, 3, strides))));
    const shortcut = strides === 1 ? x : conv(active, filters, 1, strides);
    return on(layers.add(), [conv(inner, filters, 3), shortcut]);
  };
  return classifier((pixels) => relu(norm(block(block(conv(pixels, 8, 3), 8, 1), 16, 2)))); // [B, 16, 20, 16]
}

/** Inverted bottlenecks with squeeze-and-excitation, SiLU and stochastic depth (Tan and Le, 2019). */
function efficientNet(): tf.LayersModel {
  const silu = (x: Node) => on(layers.activation({ activation: 'swish' }), x);
  const gate = (x: Node, units: number) => {
    const channels = x.shape.at(-1)!;
    let g = on(layers.reshape({ targetShape: [1, 1, channels] }), on(layers.globalAveragePooling2d({}), x));
    g = silu(on(layers.conv2d({ filters: units, kernelSize: 1 }), g)); // [B, 1, 1, units]
    g = on(layers.conv2d({ filters: channels, kernelSize: 1, activation: 'sigmoid' }), g); // [B, 1, 1, C]
    return on(layers.multiply(), [x, g]);
  };
  const block = (x: Node, filters: number, kernelSize: number, strides: number) => {
    const channels = x.shape.at(-1)!;
    let y = silu(norm(conv(x, 4 * channels, 1)));
    y = gate(silu(norm(depthwise(y, kernelSize, strides))), 4);
    y = norm(conv(y, filters, 1));
    if (strides > 1 || filters !== channels) return y;
    // Whole pictures are dropped.
    const survived = on(layers.dropout({ rate: 0.2, noiseShape: [2, 1, 1, 1] }), y);
    return on(layers.add(), [survived, x]);
  };
  return classifier((pixels) => {
    let x = silu(norm(conv(pixels, 8, 3, 2))); // [B, 16, 20, 8]
    x = block(block(x, 16, 3, 2), 16, 3, 1); // [B, 8, 10, 16]
    x = block(block(x, 24, 5, 2), 24, 5, 1); // [B, 4, 5, 24]
    return silu(norm(conv(x, 32, 1)));
  });
}

/** Columns of a convolution's map read by a bidirectional LSTM: `[B, 8, 24, 1] -> [B, 12, 5]`. */
function convLstm(): tf.LayersModel {
  const input = tf.input({ shape: [8, 24, 1] });
  let x = on(layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu' }), input);
  x = on(layers.maxPooling2d({ poolSize: 2 }), x); // [B, 4, 12, 6]
  x = on(layers.reshape({ targetShape: [12, 24] }), on(layers.permute({ dims: [2, 1, 3] }), x));
  const lstm = () => layers.lstm({ units: 7, returnSequences: true, recurrentInitializer: 'glorotNormal' }) as tf.RNN;
  x = on(layers.bidirectional({ layer: lstm(), mergeMode: 'concat' }), x); // [B, 12, 14]
  x = on(layers.bidirectional({ layer: lstm(), mergeMode: 'sum' }), x); // [B, 12, 7]
  return tf.model({ inputs: input, outputs: on(layers.dense({ units: 5 }), x) });
}

/** Small nets with the parts of those families, whose packages test their own models; outputs are logits `[B, ..., classes]`. */
export const nets: Readonly<Record<string, () => tf.LayersModel>> = {
  ResNet: resNet,
  WideResNet: wideResNet,
  EfficientNet: efficientNet,
  'convolution and bidirectional LSTM': convLstm,
};
