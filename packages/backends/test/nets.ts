import { captchaV3 } from '@proj/models-captcha';
import * as tf from '@tensorflow/tfjs';

type Node = tf.SymbolicTensor;
const { layers } = tf;

let seed = 0;
/** Initial weights that are the same on every backend. */
const init = () => tf.initializers.heNormal({ seed: ++seed });
const on = (layer: tf.layers.Layer, x: Node | Node[]) => layer.apply(x) as Node;
const relu = (x: Node) => on(layers.reLU(), x);
const norm = (x: Node) => on(layers.batchNormalization(), x);
const conv = (x: Node, filters: number, kernelSize: number, strides = 1) =>
  on(layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, kernelInitializer: init() }), x);

/** A net on pictures `[B, ...shape]` that ends in a dense layer of five classes. */
function classifier(shape: [number, number, number], body: (x: Node) => Node): tf.LayersModel {
  seed = 0;
  const input = tf.input({ shape });
  const output = on(layers.dense({ units: 5, kernelInitializer: init() }), body(input));
  return tf.model({ inputs: input, outputs: output });
}

/** Every kind of layer that the captcha models have, and pooling and depthwise convolution besides. */
function recogniser(): tf.LayersModel {
  return classifier([16, 24, 1], (pixels) => {
    let x = on(layers.maxPooling2d({ poolSize: 2 }), relu(norm(conv(pixels, 8, 3)))); // [B, 8, 12, 8]
    x = relu(on(layers.add(), [x, norm(conv(x, 8, 3))]));
    x = conv(x, 16, 3, 2); // [B, 4, 6, 16]
    x = on(layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: init() }), x);
    x = on(layers.averagePooling2d({ poolSize: 2 }), x); // [B, 2, 3, 16]
    return on(layers.flatten(), x);
  });
}

/** Stem 7x7 of stride 2, max pool 3x3 of stride 2, basic blocks with projection (He et al., 2016). */
function resNet(): tf.LayersModel {
  const block = (x: Node, filters: number, strides: number) => {
    const inner = norm(conv(relu(norm(conv(x, filters, 3, strides))), filters, 3));
    const shortcut = strides === 1 ? x : norm(conv(x, filters, 1, strides));
    return relu(on(layers.add(), [inner, shortcut]));
  };
  return classifier([32, 32, 3], (pixels) => {
    const padded = on(layers.zeroPadding2d({ padding: 3 }), pixels);
    const stem = layers.conv2d({ filters: 8, kernelSize: 7, strides: 2, useBias: false, kernelInitializer: init() });
    let x = relu(norm(on(stem, padded))); // [B, 16, 16, 8]
    x = on(layers.maxPooling2d({ poolSize: 3, strides: 2 }), on(layers.zeroPadding2d({ padding: 1 }), x)); // [B, 8, 8, 8]
    x = block(block(x, 8, 1), 16, 2); // [B, 4, 4, 16]
    return on(layers.globalAveragePooling2d({}), x);
  });
}

/** Inverted bottlenecks with squeeze-and-excitation and SiLU (Tan and Le, 2019). */
function efficientNet(): tf.LayersModel {
  const silu = (x: Node) => on(layers.activation({ activation: 'swish' }), x);
  const gate = (x: Node) => {
    const channels = x.shape.at(-1)!;
    let g = on(layers.reshape({ targetShape: [1, 1, channels] }), on(layers.globalAveragePooling2d({}), x));
    g = silu(conv(g, 4, 1));
    return on(layers.multiply(), [x, on(layers.activation({ activation: 'sigmoid' }), conv(g, channels, 1))]);
  };
  const block = (x: Node, filters: number, kernelSize: number, strides: number) => {
    const channels = x.shape.at(-1)!;
    const filtered = layers.depthwiseConv2d({
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      depthwiseInitializer: init(),
    });
    const inner = norm(conv(gate(silu(norm(on(filtered, silu(norm(conv(x, 4 * channels, 1))))))), filters, 1));
    return strides === 1 && filters === channels ? on(layers.add(), [inner, x]) : inner;
  };
  return classifier([24, 24, 3], (pixels) => {
    const stem = silu(norm(conv(pixels, 8, 3, 2))); // [B, 12, 12, 8]
    const x = block(block(stem, 12, 5, 2), 12, 3, 1); // [B, 6, 6, 12]
    return on(layers.globalAveragePooling2d({}), x);
  });
}

/** Captcha v3, without its dropout: what masks a seed gives is each backend's own. */
function v3(): tf.LayersModel {
  const model = captchaV3({ inputShape: [16, 16, 1], numClasses: 5, length: 2, seed: 1 });
  for (const layer of model.layers) if (layer.getClassName() === 'Dropout') Object.assign(layer, { rate: 0 });
  return model;
}

/** What every backend must train as the plain JS backend does; outputs are logits `[B, ..., 5]`. */
export const nets: Readonly<Record<string, () => tf.LayersModel>> = {
  'a recogniser': recogniser,
  'captcha v3': v3,
  'a ResNet': resNet,
  'an EfficientNet': efficientNet,
};
