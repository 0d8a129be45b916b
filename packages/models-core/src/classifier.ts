import { ProjError, type RngKey } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

/** What pixels scaled to 0..1 are normalised by: `(pixel / 255 - mean) / std`. A number a channel, or one for all. */
export interface Normalization {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** Red, green and blue over ImageNet, as torchvision and timm have them. */
export const imageNet: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Red, green and blue over CIFAR-10, as most PyTorch recipes have them (the deviation is the mean of each picture's own). */
export const cifar10: Normalization = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** Options that every picture classifier takes. Each model says its defaults. */
export interface ClassifierOptions {
  /** Number of logits. */
  readonly numClasses?: number | undefined;
  /** `[height, width, channels]` of the pictures. */
  readonly inputShape?: readonly [height: number, width: number, channels: number] | undefined;
  /**
   * What the first layer normalises raw pixels by. The model's default is for pictures of three channels; others have
   * mean 0.5 and deviation 0.5.
   */
  readonly normalization?: Normalization | undefined;
  /** What the initial weights are drawn from (default 0): the same seed makes the same model. */
  readonly seed?: RngKey | undefined;
}

/** What one needs to know to use a classifier; `model.json` carries it as `userDefinedMetadata`. */
export interface ClassifierMetadata {
  readonly task: 'classification';
  readonly architecture: string;
  readonly numClasses: number;
  readonly input: {
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    /** Smallest and largest pixel value. */
    readonly range: readonly [number, number];
  };
}

/** The options of a classifier with every default filled in. */
export interface ClassifierTask {
  readonly metadata: ClassifierMetadata;
  readonly inputShape: readonly [height: number, width: number, channels: number];
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly numClasses: number;
  readonly seed: RngKey;
}

/** What a model takes for options that are left out. */
type ClassifierDefaults = Pick<ClassifierTask, 'numClasses' | 'inputShape'> & { readonly normalization: Normalization };

/** @throws ProjError `invalid-option` */
export function classifierTask(
  architecture: string,
  { numClasses, inputShape, normalization, seed = 0 }: ClassifierOptions,
  defaults: ClassifierDefaults,
): ClassifierTask {
  const classes = numClasses ?? defaults.numClasses;
  const shape = inputShape ?? defaults.inputShape;
  const isCount = Number.isInteger(classes) && classes > 0;
  assertOption(architecture, isCount, 'numClasses to be a positive integer', String(classes));
  assertInputShape(architecture, shape);
  const [height, width, channels] = shape;

  const { mean, std } = normalization ?? (channels === 3 ? defaults.normalization : { mean: 0.5, std: 0.5 });
  return {
    metadata: {
      task: 'classification',
      architecture,
      numClasses: classes,
      input: { height, width, channels, range: [0, 255] },
    },
    inputShape: shape,
    mean: perChannel('mean', mean),
    std: perChannel('std', std),
    numClasses: classes,
    seed,
  };

  function perChannel(name: string, value: number | readonly number[]): readonly number[] {
    const values = typeof value === 'number' ? Array<number>(channels).fill(value) : value;
    const isUsable =
      Array.isArray(values) &&
      values.length === channels &&
      values.every((x) => Number.isFinite(x) && (name === 'mean' || x > 0));
    const expected = `normalization.${name} to be ${channels} ${name === 'mean' ? '' : 'positive '}numbers`;
    assertOption(architecture, isUsable, expected, Array.isArray(values) ? `[${values}]` : String(values));
    return values;
  }
}

/** @throws ProjError `invalid-option` unless `holds`. */
export function assertOption(model: string, holds: boolean, expected: string, received: string): void {
  if (!holds) throw new ProjError(`Cannot make model ${model}`, { code: 'invalid-option', expected, received });
}

/** @throws ProjError `invalid-option` unless `shape` is that of a picture. */
export function assertInputShape(model: string, shape: readonly number[]): void {
  const isShape =
    Array.isArray(shape) && shape.length === 3 && shape.every((side) => Number.isInteger(side) && side > 0);
  assertOption(model, isShape, 'inputShape to be three positive integers', `[${shape}]`);
}

/** The first layers of a classifier: pixels of 0..255 come in, numbers of mean 0 and deviation 1 go on. */
export function normalizedPixels({ inputShape, mean, std }: ClassifierTask): {
  readonly input: tf.SymbolicTensor;
  readonly normalized: tf.SymbolicTensor;
} {
  const input = tf.input({ shape: [...inputShape], name: 'pixels' }); // [B, H, W, C]
  // Rescaling multiplies and adds by broadcasting, as Keras's does; only its type knows no more than one number.
  const scale = std.map((deviation) => 1 / (255 * deviation)) as unknown as number; // [C]
  const offset = mean.map((value, i) => -value / std[i]!) as unknown as number; // [C]
  const normalized = tf.layers.rescaling({ scale, offset, name: 'normalize' }).apply(input) as tf.SymbolicTensor;
  return { input, normalized };
}

/** The model from its input and its logits `[B, numClasses]`, with its metadata. */
export function classifierModel(
  { metadata }: ClassifierTask,
  input: tf.SymbolicTensor,
  logits: tf.SymbolicTensor,
): tf.LayersModel {
  const model = tf.model({ inputs: input, outputs: logits, name: metadata.architecture });
  model.setUserDefinedMetadata({ ...metadata });
  return model;
}
