import { createImage, type Image, ProjError, Rng } from '@proj/core';
import type { Box } from './mask.js';
import type { Picture } from './picture.js';
import type { TextSource } from './texts.js';

/** How one character of a captcha was drawn. */
export interface CharacterParameters {
  readonly symbol: string;
  /** The smallest box round the pixels this character marks, as if it stood there alone. */
  readonly box: Box;
}

/** Everything that was drawn by chance for one captcha, as plain JSON. A style adds its own fields. */
export interface CaptchaParameters {
  readonly characters: readonly CharacterParameters[];
}

/** A picture with what it shows. */
export interface Captcha<P extends CaptchaParameters = CaptchaParameters> {
  /** RGB. */
  readonly image: Image;
  readonly label: string;
  readonly parameters: P;
}

/**
 * A kind of captcha with all its settings. `(seed, index)` alone determines a picture, bit for bit, on every machine and
 * in every worker.
 */
export interface CaptchaStyle<P extends CaptchaParameters = CaptchaParameters> {
  readonly name: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  /** All symbols a label may hold, in the order in which classes are numbered. */
  readonly charset: string;
  /** Fewest symbols a label has. */
  readonly minLength: number;
  /** Most symbols a label has. */
  readonly length: number;
  /** What other threads make the style again from; undefined where they cannot. */
  readonly recipe?: StyleRecipe | undefined;
  /** Captcha `index` of the sequence that `seed` names; `index` is an integer of 0 or more. */
  generate(seed: number, index: number): Captcha<P>;
  /**
   * Draws the same picture as `generate` into `target[offset .. offset + width * height * 3)` (rows of RGB, 0..255) and
   * gives its label.
   * @throws ProjError `buffer-too-small` when it does not fit.
   */
  generateInto(seed: number, index: number, target: Uint8Array | Uint8ClampedArray, offset: number): string;
}

/** A style as plain data: one of this package by its name, or what a module exports. */
export type StyleRecipe =
  | { readonly style: string; readonly options: unknown }
  | {
      /** Where a module with the style is: its own `import.meta.url`. */
      readonly module: string;
      /** Name of the function in it that makes the style of `options`. */
      readonly export: string;
      /** Plain data, as `structuredClone` takes it. */
      readonly options: unknown;
    };

/** What a style is made of: what chance decides, how it is drawn, and how it is told. */
export interface StyleDefinition<Scene, P extends CaptchaParameters> {
  readonly name: string;
  /** Whole pixels, 1..4096. */
  readonly width: number;
  readonly height: number;
  /** Where labels come from, see `randomTexts`. */
  readonly texts: TextSource;
  /**
   * Decides everything but the text, whose symbols are given. All that is random comes from `rng`, which is the same for
   * the same seed and index.
   */
  sample(rng: Rng, symbols: readonly string[]): Scene;
  /** Paints every pixel of the picture, in which anything may stand before; a pure function of the scene. */
  draw(scene: Scene, picture: Picture): void;
  /** The scene as plain JSON, with each character's box, for manifests. */
  describe(scene: Scene): P;
  /** Needed only for drawing in worker threads. */
  readonly recipe?: StyleRecipe | undefined;
}

/**
 * Makes a {@link CaptchaStyle} of a definition: seeds, labels and buffers are the same for all styles.
 *
 * Picture `index` draws from `new Rng(seed).split('captcha', index)`, its text from the sub-stream `'label'`, so the
 * part asked for changes nothing but the text.
 *
 * @throws ProjError `invalid-size` unless width and height are whole numbers of 1..4096.
 */
export function defineStyle<Scene, P extends CaptchaParameters>(
  definition: StyleDefinition<Scene, P>,
): CaptchaStyle<P> {
  const { name, width, height, texts, recipe } = definition;
  checkSize(width, height, 1, 1);

  let stream = { seed: Number.NaN, rng: new Rng(0) };
  function rngOf(seed: number, index: number): Rng {
    if (!Number.isInteger(index) || index < 0) {
      throw new ProjError('Cannot draw this captcha', {
        code: 'invalid-index',
        expected: 'the index as an integer of 0 or more',
        received: String(index),
      });
    }
    if (stream.seed !== seed) stream = { seed, rng: new Rng(seed).split('captcha') };
    return stream.rng.split(index);
  }

  function drawInto(seed: number, index: number, data: Uint8Array | Uint8ClampedArray, offset: number) {
    const rng = rngOf(seed, index);
    const { symbols, label } = texts.draw(rng.split('label'));
    const scene = definition.sample(rng, symbols);
    definition.draw(scene, { data, offset, width, height });
    return { label, scene };
  }

  return {
    name,
    width,
    height,
    channels: 3,
    charset: texts.charset,
    minLength: texts.minLength,
    length: texts.length,
    recipe,
    generate(seed, index) {
      const image = createImage(width, height, 3);
      const { label, scene } = drawInto(seed, index, image.data, 0);
      return { image, label, parameters: definition.describe(scene) };
    },
    generateInto(seed, index, target, offset) {
      if (!(offset >= 0 && offset + width * height * 3 <= target.length)) {
        throw new ProjError('The captcha does not fit into the buffer', {
          code: 'buffer-too-small',
          expected: `room for ${width * height * 3} values from ${offset} on`,
          received: `a buffer of ${target.length}`,
        });
      }
      return drawInto(seed, index, target, offset).label;
    },
  };
}

/** No captcha is larger; a mistyped number shall not fill the memory. */
const MAX_SIDE = 4096;

/** @throws ProjError `invalid-size` unless both are whole numbers from the least to 4096. */
export function checkSize(width: number, height: number, leastWidth: number, leastHeight: number): void {
  const valid = (side: number, least: number) => Number.isInteger(side) && side >= least && side <= MAX_SIDE;
  if (!valid(width, leastWidth) || !valid(height, leastHeight)) {
    throw new ProjError('Cannot draw a captcha of this size', {
      code: 'invalid-size',
      expected: `whole pixels, a width of ${leastWidth}..${MAX_SIDE} and a height of ${leastHeight}..${MAX_SIDE}`,
      received: `${width}x${height}`,
    });
  }
}

/** @throws ProjError `invalid-size` when there is less than a pixel of width for each of `count` characters. */
export function checkRoom(count: number, room: number, width: number): void {
  if (room < count) {
    throw new ProjError(`${count} characters do not fit`, {
      code: 'invalid-size',
      expected: 'at least one pixel of width for each character',
      received: `a width of ${width}`,
      fix: 'Make the picture wider or lower, or the label shorter',
    });
  }
}
