import { createImage, type Image, ProjError, Rng } from '@proj/core';
import { type Charset, drawSymbols, kindsOf } from './charset.js';
import type { Box } from './mask.js';
import { checkPart, checkShares, defaultShares, type Part, type PartShares, partOf } from './part.js';
import type { Picture } from './picture.js';

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
  /** Symbols a label has. */
  readonly length: number;
  /** Captcha `index` of the sequence that `seed` names; `index` is an integer of 0 or more. */
  generate(seed: number, index: number): Captcha<P>;
  /**
   * Draws the same picture as `generate` into `target[offset .. offset + width * height * 3)` (rows of RGB, 0..255) and
   * gives its label.
   * @throws ProjError `buffer-too-small` when it does not fit.
   */
  generateInto(seed: number, index: number, target: Uint8Array | Uint8ClampedArray, offset: number): string;
}

/** What labels a style shows. */
export interface LabelOptions {
  /** Characters in each captcha. */
  readonly length: number;
  readonly charset: Charset;
  /** Only labels of this part of all labels (see {@link partOf}). */
  readonly part?: Part | undefined;
  /** How `part` divides all labels. Default 90% / 5% / 5%. */
  readonly shares?: PartShares | undefined;
}

/** What a style is made of: what chance decides, how it is drawn, and how it is told. */
export interface StyleDefinition<Scene, P extends CaptchaParameters> {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly labels: LabelOptions;
  /** Decides everything but the label. */
  sample(rng: Rng, symbols: readonly string[]): Scene;
  /** Paints every pixel of the picture; a pure function of the scene. */
  draw(scene: Scene, picture: Picture): void;
  /** The scene as plain JSON, with each character's box. */
  describe(scene: Scene): P;
}

/**
 * Makes a {@link CaptchaStyle} of a definition: seeds, labels, parts and buffers are the same for all styles.
 *
 * Picture `index` draws from `new Rng(seed).split('captcha', index)`, its label from the sub-stream `'label'`, so the
 * part asked for changes nothing but the label.
 *
 * @throws ProjError `invalid-size`, `invalid-length`, `invalid-charset`, `invalid-part` or `invalid-shares`.
 */
export function defineStyle<Scene, P extends CaptchaParameters>(
  definition: StyleDefinition<Scene, P>,
): CaptchaStyle<P> {
  const { name, width, height, labels } = definition;
  const { length, part, shares = defaultShares } = labels;
  checkLength(length);
  if (part !== undefined) checkPart(part);
  checkShares(shares);
  const kinds = kindsOf(labels.charset);

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

  function drawLabel(rng: Rng): readonly string[] {
    const attempts = part === undefined ? 1 : 10_000;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const symbols = drawSymbols(rng, kinds, length);
      if (part === undefined || partOf(symbols.join(''), shares) === part) return symbols;
    }
    throw new ProjError(`Found no label of part ${part}`, {
      code: 'empty-part',
      expected: `one label in ${attempts} to belong to it`,
      received: `${kinds.flat().length} symbols, length ${length}, shares ${JSON.stringify(shares)}`,
      fix: 'Use more symbols, longer labels or a larger share',
    });
  }

  function drawInto(seed: number, index: number, data: Uint8Array | Uint8ClampedArray, offset: number) {
    const rng = rngOf(seed, index);
    const symbols = drawLabel(rng.split('label'));
    const scene = definition.sample(rng, symbols);
    definition.draw(scene, { data, offset, width, height });
    return { label: symbols.join(''), scene };
  }

  return {
    name,
    width,
    height,
    channels: 3,
    charset: kinds.flat().join(''),
    length,
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

/** @throws ProjError `invalid-length` unless `length` is a positive integer. */
export function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 1) {
    throw new ProjError('Cannot draw a captcha of this length', {
      code: 'invalid-length',
      expected: 'the number of characters as a positive integer',
      received: String(length),
    });
  }
}
