import { ProjError, type Rng } from '@proj/core';
import { type Charset, charsets } from '../charset.js';
import { type Color, type ColorInput, checkOpaque, formatColor, parseColors } from '../color.js';
import { type FontSource, loadFonts } from '../font.js';
import { type Box, clipBox, inkBox } from '../mask.js';
import { fill, type Picture } from '../picture.js';
import { type Arc, drawArc } from '../stages/arc.js';
import { pasteByLightness } from '../stages/paste.js';
import { resizeBicubic } from '../stages/resize.js';
import type { Rgba } from '../stages/rgba.js';
import { smooth } from '../stages/smooth.js';
import { drawSpeck } from '../stages/specks.js';
import {
  type CaptchaParameters,
  type CaptchaStyle,
  type CharacterParameters,
  checkRoom,
  checkSize,
  defineStyle,
  type StyleDefinition,
} from '../style.js';
import { type Length, type PartOptions, randomTexts } from '../texts.js';
import { cutOf, drawCut, sampleTwist, type Twist, type Warp } from './image-captcha-character.js';

/** Settings of {@link imageCaptcha}: plain data, so that they can be sent to a worker. */
export interface ImageCaptchaOptions extends PartOptions {
  /** Pixels, at least 48. Default 160. */
  readonly width?: number | undefined;
  /** Pixels, at least 20. Default 60. */
  readonly height?: number | undefined;
  /** Characters in each captcha, or the least and the most. Default 4. */
  readonly length?: Length | undefined;
  /** Default `charsets.ALL`. */
  readonly charset?: Charset | undefined;
  /** Colours of text, specks and curve, one a picture. Default 10..200 in each channel, opacity 220..255. */
  readonly frontColors?: readonly ColorInput[] | undefined;
  /** Opaque colours. Default 238..255 in each channel. */
  readonly backgroundColors?: readonly ColorInput[] | undefined;
  /** Default Droid Sans Mono, which comes with the package. */
  readonly fonts?: readonly FontSource[] | undefined;
  /** Pixels an em, 4..1024. Default 42, 50 and 56. */
  readonly fontSizes?: readonly number[] | undefined;
}

/** What chance decided for one picture; colours as `#rrggbb`, angles in degrees, counter-clockwise positive, else pixels. */
export interface ImageCaptchaParameters extends CaptchaParameters {
  readonly background: string;
  readonly color: string;
  readonly specks: readonly (readonly [x: number, y: number])[];
  readonly curve: Omit<Arc, 'color'>;
  readonly characters: readonly (CharacterParameters & {
    /** PostScript name. */
    readonly font: string;
    readonly size: number;
    readonly angle: number;
    /** By how much two corners are pulled across and down. */
    readonly warp: Warp;
  })[];
}

/** One character before it is drawn. */
interface Character extends Twist {
  readonly symbol: string;
  /** Number of font and size: the first font in all sizes, the second in all sizes, ... */
  readonly face: number;
  /** Its left edge in the whole text. */
  readonly left: number;
}

/** All that chance decided, as it is drawn. */
export interface ImageCaptchaScene {
  readonly background: Color;
  /** Its opacity plays no part in specks and curve. */
  readonly color: Color;
  readonly characters: readonly Character[];
  /** Width of the picture on which the text is set before it is narrowed. */
  readonly textWidth: number;
  readonly specks: readonly (readonly [x: number, y: number])[];
  readonly curve: Arc;
}

const SPECKS = 30;
const SPACE_PROBABILITY = 0.5;

/** Most pixels of the sheet on which a text is set; mistyped numbers shall not fill the memory. */
const MAX_SHEET = 2 ** 26;

/** How much of a pixel of text shows, by its lightness. */
const SHARES = Uint8Array.from({ length: 256 }, (_, level) => Math.min(255, Math.floor(level * 1.97)));

/**
 * The captchas of the Python package captcha by H. Yang (lepture), version 0.7.1, `ImageCaptcha`: characters of different
 * sizes, turned, warped, set close or apart, narrowed where they are too wide, with 30 specks and a curve, all softened.
 * The stages compute as Pillow 11.3 does. Two ways of the original that one might not expect are kept: dark text is fainter
 * than light text, and a space takes part in the mean width of characters. Deviation: glyphs are not hinted.
 *
 * @throws ProjError `invalid-size`, `invalid-length`, `invalid-charset`, `invalid-color`, `invalid-font`, `missing-glyph`,
 * `invalid-part` or `invalid-shares`.
 */
export function imageCaptcha(options: ImageCaptchaOptions = {}): CaptchaStyle<ImageCaptchaParameters> {
  return defineStyle({ ...imageCaptchaDefinition(options), recipe: { style: 'imageCaptcha', options } });
}

/** The style's parts: what chance decides, how it is drawn, how it is told. */
export function imageCaptchaDefinition({
  width = 160,
  height = 60,
  length = 4,
  charset = charsets.ALL,
  frontColors: fronts,
  backgroundColors: backgrounds,
  fonts: sources = [],
  fontSizes = [42, 50, 56],
  part,
  shares,
}: ImageCaptchaOptions): StyleDefinition<ImageCaptchaScene, ImageCaptchaParameters> {
  checkSize(width, height, 48, 20);
  const texts = randomTexts({ length, charset, part, shares });
  checkRoom(texts.maxSymbols, width, width);
  checkFontSizes(fontSizes);
  const frontColors = fronts === undefined ? undefined : parseColors('frontColors', fronts);
  const backgroundColors = backgrounds === undefined ? undefined : parseColors('backgroundColors', backgrounds);
  checkOpaque(backgroundColors ?? []);

  const faces = loadFonts(sources, ['DroidSansMono']).flatMap((font) => fontSizes.map((size) => ({ font, size })));
  const cuts = faces.map((face) => new Map(texts.symbols.map((symbol) => [symbol, cutOf(face, symbol)])));
  const spaces = faces.map(({ font, size }) => 1 + Math.round((font.advance(' ') * size) / font.unitsPerEm));
  checkSheet(
    texts.maxSymbols,
    Math.max(...spaces) + Math.max(...cuts.flatMap((cut) => [...cut.values()].map((each) => each.width))),
    height,
  );
  const scratch = new Uint8Array(6 * width);
  const warped = new WeakMap<Character, Rgba>();

  const cutAt = (face: number, symbol: string) => cuts[face]!.get(symbol)!;

  function sample(rng: Rng, symbols: readonly string[]): ImageCaptchaScene {
    const gaps: number[] = []; // before each character
    const drawn = symbols.map((symbol) => {
      gaps.push(rng.uniform() > SPACE_PROBABILITY ? rng.pick(spaces) : 0);
      const face = rng.int(faces.length);
      return { symbol, face, ...sampleTwist(rng, cutAt(face, symbol)) };
    });
    const widths = drawn.map(({ symbol, face }) => cutAt(face, symbol).width);
    const textWidth = widths.reduce((sum, each, i) => sum + gaps[i]! + each, 0);
    const average = Math.trunc(textWidth / symbols.length);
    const overlaps = Math.trunc(0.25 * average) + 1;
    let left = Math.trunc(average * 0.1);
    const characters = drawn.map((character, i): Character => {
      if (gaps[i]! > 0) left += gaps[i]! - rng.int(overlaps);
      const placed = { ...character, left };
      left += widths[i]! - rng.int(overlaps);
      return placed;
    });
    const color = frontColors ? rng.pick(frontColors) : sampleColor(rng, 10, 200, 220 + rng.int(36));
    const background = backgroundColors ? rng.pick(backgroundColors) : sampleColor(rng, 238, 255, 255);
    const specks = Array.from({ length: SPECKS }, () => [rng.int(width + 1), rng.int(height + 1)] as const);
    return { background, color, characters, textWidth, specks, curve: sampleCurve(rng, color) };
  }

  function sampleCurve(rng: Rng, color: Color): Arc {
    const [fifthX, fifthY] = [Math.floor(width / 5), Math.floor(height / 5)];
    const x = rng.int(fifthX + 1);
    const right = rng.int(width - fifthX + 1) + fifthX;
    const y = rng.int(height - 2 * fifthY + 1) + fifthY;
    const bottom = rng.int(height - y - fifthY + 1) + y;
    const end = rng.int(41) + 160;
    return { x, y, width: right - x, height: bottom - y, start: rng.int(21), end, color: opaque(color) };
  }

  function draw(scene: ImageCaptchaScene, picture: Picture): void {
    drawText(scene, scene.characters, picture);
    const { color, specks, curve } = scene;
    for (const [x, y] of specks) drawSpeck(picture, x, y, opaque(color));
    drawArc(picture, curve);
    smooth(picture, scratch);
  }

  /** Draws characters of the text, of which `picture` shows the part that begins at `(x, y)`. */
  function drawText(
    { background, color, textWidth }: ImageCaptchaScene,
    characters: readonly Character[],
    picture: Picture,
    { x, y } = { x: 0, y: 0 },
  ): void {
    const isNarrowed = textWidth > width;
    const sheet = isNarrowed
      ? { data: new Uint8Array(textWidth * picture.height * 3), offset: 0, width: textWidth, height: picture.height }
      : picture;
    fill(sheet, background);
    for (const character of characters) {
      const glyph = glyphOf(character, color);
      pasteByLightness(sheet, glyph, character.left - (isNarrowed ? 0 : x), topOf(glyph) - y, SHARES);
    }
    if (!isNarrowed) return;
    const narrow = resizeBicubic(sheet, 3, width, picture.height, { from: x, to: x + picture.width });
    picture.data.set(narrow.data, picture.offset);
  }

  const topOf = (glyph: Rgba) => Math.trunc((height - glyph.height) / 2);

  function glyphOf(character: Character, color: Color): Rgba {
    let glyph = warped.get(character);
    if (glyph === undefined) {
      glyph = drawCut(cutAt(character.face, character.symbol), character, color);
      warped.set(character, glyph);
    }
    return glyph;
  }

  function describe(scene: ImageCaptchaScene): ImageCaptchaParameters {
    const { color: _, ...curve } = scene.curve;
    return {
      background: formatColor(scene.background),
      color: formatColor(scene.color),
      specks: scene.specks,
      curve,
      characters: scene.characters.map((character) => ({
        symbol: character.symbol,
        font: faces[character.face]!.font.name,
        size: faces[character.face]!.size,
        angle: character.angle,
        warp: character.warp,
        box: boxOf(scene, character),
      })),
    };
  }

  /** Draws the character alone, in as much of the picture as it can mark, and looks where the background has changed. */
  function boxOf(scene: ImageCaptchaScene, character: Character): Box {
    const glyph = glyphOf(character, scene.color);
    const scale = Math.max(1, scene.textWidth / width);
    // Softening goes on for a pixel and leaves the rim; narrowing goes on for two and its rounding for one more.
    const room = {
      x: Math.floor(character.left / scale) - 5,
      y: topOf(glyph) - 2,
      width: Math.ceil(glyph.width / scale) + 10,
      height: glyph.height + 4,
    };
    const cell = clipBox(room, width, height);
    const size = cell.width * cell.height;
    const picture = { data: new Uint8Array(size * 3), offset: 0, width: cell.width, height: cell.height };
    drawText(scene, [character], picture, cell);
    smooth(picture, scratch);
    const [r, g, b] = scene.background;
    const { data } = picture;
    const changed = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      if (data[3 * i] !== r || data[3 * i + 1] !== g || data[3 * i + 2] !== b) changed[i] = 1;
    }
    const box = inkBox(changed, cell.width, cell.height);
    return box.width === 0 ? box : { ...box, x: cell.x + box.x, y: cell.y + box.y };
  }

  return { name: 'imageCaptcha', width, height, texts, sample, draw, describe };
}

function opaque([r, g, b]: Color): Color {
  return [r, g, b, 255];
}

function sampleColor(rng: Rng, least: number, most: number, opacity: number): Color {
  const channel = () => least + rng.int(most - least + 1);
  return [channel(), channel(), channel(), opacity];
}

function checkSheet(symbols: number, widest: number, height: number): void {
  if (symbols * widest * height > MAX_SHEET) {
    throw new ProjError('Such long and large text cannot be drawn', {
      code: 'invalid-size',
      expected: `characters to take at most ${MAX_SHEET} pixels before they are narrowed`,
      received: `${symbols} of up to ${widest}x${height}`,
      fix: 'Use smaller `fontSizes`, a lower picture or shorter labels',
    });
  }
}

function checkFontSizes(sizes: readonly number[]): void {
  if (!Array.isArray(sizes) || sizes.length === 0 || !sizes.every((size) => size >= 4 && size <= 1024)) {
    throw new ProjError('Cannot use these font sizes', {
      code: 'invalid-size',
      expected: 'a list of at least one number of 4..1024 pixels an em',
      received: JSON.stringify(sizes) ?? String(sizes),
    });
  }
}
