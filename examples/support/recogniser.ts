import { type Image, ProjError } from '@proj/core';
import { captchaMetadata } from '@proj/models-captcha';
import { loadModel } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs';

/** A text read from a picture. */
export interface Reading {
  readonly text: string;
  /** Probability of the whole text, 0..1: the product over its characters. */
  readonly confidence: number;
}

/** A captcha model together with what is needed to use it. */
export interface Recogniser {
  readonly model: tf.LayersModel;
  /** The characters in the order of their classes. */
  readonly charset: string;
  /** Characters in a captcha. */
  readonly length: number;
  readonly input: { readonly height: number; readonly width: number; readonly channels: 1 | 3 };
  /** Reads pictures of the model's input size. */
  read(images: readonly Image[]): Promise<Reading[]>;
}

/**
 * Opens a model folder that `saveModel` wrote.
 * @throws ProjError of `loadModel` and {@link recogniser}.
 */
export async function openRecogniser(dir: string): Promise<Recogniser> {
  return recogniser(await loadModel(dir));
}

/** @throws ProjError of `captchaMetadata`; `not-a-recogniser` when the model does not say which characters it reads. */
export function recogniser(model: tf.LayersModel): Recogniser {
  const { charset, length, input } = captchaMetadata(model);
  const { height, width, channels } = input;
  if (charset === undefined || (channels !== 1 && channels !== 3)) {
    throw new ProjError(`Model ${model.name} cannot read pictures`, {
      code: 'not-a-recogniser',
      expected: 'metadata with the charset, and pictures of 1 or 3 channels',
      received: `charset ${JSON.stringify(charset)}, ${channels} channels`,
      fix: 'Make the model with the option charset, as `npm run quickstart` does',
    });
  }
  const symbols = Array.from(charset);

  async function read(images: readonly Image[]): Promise<Reading[]> {
    const size = height * width * channels;
    const pixels = new Float32Array(images.length * size);
    images.forEach((image, i) => {
      pixels.set(image.data, i * size);
    });
    const probabilities = tf.tidy(() => {
      const logits = model.predict(tf.tensor4d(pixels, [images.length, height, width, channels])) as tf.Tensor3D;
      return tf.softmax(logits); // [B, L, C]
    });
    const values = await probabilities.data();
    probabilities.dispose();
    return images.map((_, i) => decode(values, i * length));
  }

  /** The most likely symbol at each position; `first` is the row of the text's first character. */
  function decode(values: ArrayLike<number>, first: number): Reading {
    let text = '';
    let confidence = 1;
    for (let position = first; position < first + length; position++) {
      let best = 0;
      for (let c = 1; c < symbols.length; c++) {
        if (at(values, position, c) > at(values, position, best)) best = c;
      }
      text += symbols[best];
      confidence *= at(values, position, best);
    }
    return { text, confidence };
  }

  const at = (values: ArrayLike<number>, row: number, c: number) => values[row * symbols.length + c] as number;
  return { model, charset, length, input: { height, width, channels }, read };
}

/** A picture with its true label and what a model read in it. */
export interface LabelledReading {
  readonly image: Image;
  readonly truth: string;
  readonly prediction: string;
  readonly confidence: number;
}

/** Reads labelled pictures in batches, in order. */
export async function readAll(
  model: tf.LayersModel,
  pictures: Iterable<{ readonly image: Image; readonly label: string }>,
  batchSize: number,
): Promise<LabelledReading[]> {
  const { read } = recogniser(model);
  const results: LabelledReading[] = [];
  let batch: { image: Image; label: string }[] = [];
  const flush = async () => {
    const readings = await read(batch.map(({ image }) => image));
    readings.forEach(({ text, confidence }, i) => {
      const { image, label } = batch[i]!;
      results.push({ image, truth: label, prediction: text, confidence });
    });
    batch = [];
  };
  for (const picture of pictures) {
    batch.push(picture);
    if (batch.length === batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return results;
}
