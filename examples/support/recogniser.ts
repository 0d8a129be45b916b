import { type Image, ProjError } from '@proj/core';
import { loadModel } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs';

/** What a saved captcha model says of itself (`userDefinedMetadata` in its `model.json`). */
interface CaptchaMetadata {
  readonly task: 'captcha';
  readonly architecture: string;
  readonly charset: string;
  readonly length: number;
  readonly input: { readonly height: number; readonly width: number; readonly channels: 1 | 3 };
}

/** A text read from a picture. */
export interface Reading {
  readonly text: string;
  /** Probability of the whole text, 0..1: the product over its characters. */
  readonly confidence: number;
}

/** A captcha model together with what is needed to use it. */
export interface Recogniser extends CaptchaMetadata {
  readonly model: tf.LayersModel;
  /** Reads pictures of the model's input size. */
  read(images: readonly Image[]): Promise<Reading[]>;
}

/**
 * Opens a model folder that `saveModel` wrote.
 * @throws ProjError of `loadModel`, or `not-a-recogniser` when the model does not say which characters it reads.
 */
export async function openRecogniser(dir: string): Promise<Recogniser> {
  const model = await loadModel(dir);
  return recogniser(model, dir);
}

/** The same for a model in memory; `name` is for errors. */
export function recogniser(model: tf.LayersModel, name: string): Recogniser {
  const metadata = model.getUserDefinedMetadata() as Partial<CaptchaMetadata> | undefined;
  if (metadata?.task !== 'captcha' || metadata.charset === undefined) {
    throw new ProjError(`${name} is not a captcha recogniser`, {
      code: 'not-a-recogniser',
      expected: 'metadata with task "captcha" and a charset in model.json',
      received: JSON.stringify(metadata ?? null),
      fix: 'Give the folder of a model that `npm run quickstart` saved',
    });
  }
  const facts = metadata as CaptchaMetadata;
  const { height, width, channels } = facts.input;
  const symbols = Array.from(facts.charset);

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
    return images.map((_, i) => decode(values, i * facts.length));
  }

  /** The most likely symbol at each position; `first` is the row of the text's first character. */
  function decode(values: ArrayLike<number>, first: number): Reading {
    let text = '';
    let confidence = 1;
    for (let position = first; position < first + facts.length; position++) {
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
  return { ...facts, model, read };
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
  const { read } = recogniser(model, 'The model');
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
