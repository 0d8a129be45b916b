import { ProjError, type RngKey } from '@proj/core';
import { assertInputShape, assertOption } from '@proj/models-core';
import * as tf from '@tensorflow/tfjs';

/** The 62 classes of the report, in its order. */
const LETTERS_AND_DIGITS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Options that every captcha model takes. */
export interface CaptchaModelOptions {
  /** Characters in the order of their classes (default a-z A-Z 0-9). Each Unicode code point is one class. */
  readonly charset?: string | undefined;
  /** Number of classes where the characters are not known; otherwise it follows from `charset`. */
  readonly numClasses?: number | undefined;
  /** Characters in a captcha (default 4). */
  readonly length?: number | undefined;
  /** `[height, width, channels]` of the pictures. Each model says its default. */
  readonly inputShape?: readonly [height: number, width: number, channels: number] | undefined;
  /** What the initial weights are drawn from (default 0): the same seed makes the same model. */
  readonly seed?: RngKey | undefined;
}

/** What one needs to know to use a model; `model.json` carries it as `userDefinedMetadata`. */
export interface CaptchaMetadata {
  readonly task: 'captcha';
  /** Name of the builder, e.g. `v4`. */
  readonly architecture: string;
  /** Missing where the model was made with `numClasses` alone. */
  readonly charset?: string;
  readonly numClasses: number;
  readonly length: number;
  readonly input: {
    readonly height: number;
    readonly width: number;
    readonly channels: number;
    /** Smallest and largest pixel value. */
    readonly range: readonly [number, number];
  };
}

/** The options of a model with every default filled in. */
export interface CaptchaTask {
  readonly metadata: CaptchaMetadata;
  readonly inputShape: readonly [height: number, width: number, channels: number];
  readonly length: number;
  readonly numClasses: number;
  readonly seed: RngKey;
}

/** @throws ProjError `invalid-option` */
export function captchaTask(
  architecture: string,
  { charset, numClasses, length = 4, inputShape, seed = 0 }: CaptchaModelOptions,
  defaultInputShape: CaptchaTask['inputShape'],
): CaptchaTask {
  const characters = charset ?? (numClasses === undefined ? LETTERS_AND_DIGITS : undefined);
  const symbols = characters === undefined ? undefined : [...characters];
  const classes = numClasses ?? symbols?.length ?? 0;
  const shape = inputShape ?? defaultInputShape;
  const name = `captcha ${architecture}`;
  assertOption(name, Number.isInteger(classes) && classes > 0, 'at least one class', String(classes));
  if (symbols !== undefined) {
    const repeated = symbols.find((symbol, i) => symbols.indexOf(symbol) !== i);
    assertOption(name, repeated === undefined, 'each character once in charset', `'${repeated}' twice`);
    const agrees = symbols.length === classes;
    assertOption(name, agrees, `numClasses to be ${symbols.length}, as charset has it`, String(classes));
  }
  assertOption(name, Number.isInteger(length) && length > 0, 'length to be a positive integer', String(length));
  assertInputShape(name, shape);
  const [height, width, channels] = shape;
  return {
    metadata: {
      task: 'captcha',
      architecture,
      ...(characters === undefined ? {} : { charset: characters }),
      numClasses: classes,
      length,
      input: { height, width, channels, range: [0, 255] },
    },
    inputShape: shape,
    length,
    numClasses: classes,
    seed,
  };
}

/** The first layers of every model: pictures of 0..255 come in, numbers of 0..1 go on. */
export function scaledPixels({ inputShape }: CaptchaTask): { input: tf.SymbolicTensor; scaled: tf.SymbolicTensor } {
  const input = tf.input({ shape: [...inputShape], name: 'pixels' }); // [B, H, W, C]
  const scaled = tf.layers.rescaling({ scale: 1 / 255, name: 'rescale' }).apply(input) as tf.SymbolicTensor;
  return { input, scaled };
}

/** The last layer of every model, the model itself and its metadata. `flatLogits` is `[B, length * numClasses]`. */
export function captchaModel(
  { metadata, length, numClasses }: CaptchaTask,
  input: tf.SymbolicTensor,
  flatLogits: tf.SymbolicTensor,
): tf.LayersModel {
  const logits = tf.layers
    .reshape({ targetShape: [length, numClasses], name: 'logits' })
    .apply(flatLogits) as tf.SymbolicTensor; // [B, L, C]
  const model = tf.model({ inputs: input, outputs: logits, name: `captcha_${metadata.architecture}` });
  model.setUserDefinedMetadata({ ...metadata });
  return model;
}

/**
 * The metadata that a captcha model carries, also after it was saved and loaded.
 *
 * @throws ProjError `not-a-captcha-model` when it carries none.
 */
export function captchaMetadata(model: tf.LayersModel): CaptchaMetadata {
  const metadata = model.getUserDefinedMetadata() as Partial<CaptchaMetadata> | undefined;
  if (metadata?.task !== 'captcha') {
    throw new ProjError(`Model ${model.name} does not say that it reads captchas`, {
      code: 'not-a-captcha-model',
      expected: "metadata with task 'captcha' in model.json",
      received: JSON.stringify(metadata) ?? 'none',
      fix: 'Save models that a builder of this package made, or set the same metadata',
    });
  }
  return metadata as CaptchaMetadata;
}
