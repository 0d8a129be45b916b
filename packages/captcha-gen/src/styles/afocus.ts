import { ProjError, type Rng } from '@proj/core';
import { type Charset, charsets } from '../charset.js';
import { type Color, type ColorInput, checkOpaque, formatColor, parseColors } from '../color.js';
import { type FontSource, loadFonts } from '../font.js';
import { glyphCache } from '../glyph-cache.js';
import { fill, type Picture } from '../picture.js';
import { type Dot, drawDot } from '../stages/dots.js';
import { clearLayer, composeOver, createLayer, drawMask, layerBox } from '../stages/layer.js';
import { drawLine, type Line } from '../stages/lines.js';
import { applyWave, createWave } from '../stages/wave.js';
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

/** Number of dots and number of lines at each level of disturbance. */
const disturbances = { NORMAL: 4, MEDIUM: 8, HIGH: 16 } as const;

export type Disturbance = keyof typeof disturbances;

/** Settings of {@link afocus}: plain data, so that they can be sent to a worker. */
export interface AfocusOptions extends PartOptions {
  /** Pixels, at least 48. Default 128. */
  readonly width?: number | undefined;
  /** Pixels, at least 20. Default 64. */
  readonly height?: number | undefined;
  /** Characters in each captcha, or the least and the most; all take the room of the most. Default 4. */
  readonly length?: Length | undefined;
  /** Default `charsets.ALL`. */
  readonly charset?: Charset | undefined;
  /** 4, 8 or 16 dots and as many lines. Default `MEDIUM`. */
  readonly disturbance?: Disturbance | undefined;
  /** Colours of text, dots and lines. Default white. */
  readonly frontColors?: readonly ColorInput[] | undefined;
  /** Opaque colours. Default red, green, blue, yellow, magenta, cyan, orange, grey. */
  readonly backgroundColors?: readonly ColorInput[] | undefined;
  /** Default DejaVu Sans, which comes with the package. */
  readonly fonts?: readonly FontSource[] | undefined;
}

/** What chance decided for one picture; colours as `#rrggbb`, angles in degrees, counter-clockwise positive. */
export interface AfocusParameters extends CaptchaParameters {
  readonly background: string;
  readonly dots: readonly (Omit<Dot, 'color'> & { readonly color: string })[];
  readonly lines: readonly (Omit<Line, 'color'> & { readonly color: string })[];
  readonly characters: readonly (CharacterParameters & {
    /** PostScript name. */
    readonly font: string;
    readonly color: string;
    readonly angle: number;
  })[];
}

/** One character before it is drawn. */
interface Character {
  readonly symbol: string;
  /** Number of the font in the style's list. */
  readonly font: number;
  readonly color: Color;
  readonly angle: number;
}

/** All that chance decided, as it is drawn. */
export interface AfocusScene {
  readonly background: Color;
  readonly dots: readonly Dot[];
  readonly lines: readonly Line[];
  readonly characters: readonly Character[];
}

/**
 * The captchas of the Go package afocus/captcha: a plain background, dots, lines, then characters, each turned by -20..19
 * degrees, bent by a wave that doubles their strokes.
 *
 * @throws ProjError `invalid-size`, `invalid-length`, `invalid-charset`, `invalid-color`, `invalid-disturbance`,
 * `invalid-font`, `missing-glyph`, `invalid-part` or `invalid-shares`.
 */
export function afocus(options: AfocusOptions = {}): CaptchaStyle<AfocusParameters> {
  return defineStyle({ ...afocusDefinition(options), recipe: { style: 'afocus', options } });
}

/** The style's three parts: what chance decides, how it is drawn, how it is told. */
export function afocusDefinition({
  width = 128,
  height = 64,
  length = 4,
  charset = charsets.ALL,
  disturbance = 'MEDIUM',
  frontColors: fronts = ['#ffffff'],
  backgroundColors: backgrounds = [
    '#ff0000',
    '#00ff00',
    '#0000ff',
    '#ffff00',
    '#ff00ff',
    '#00ffff',
    '#ffa500',
    '#808080',
  ],
  fonts: sources = [],
  part,
  shares,
}: AfocusOptions): StyleDefinition<AfocusScene, AfocusParameters> {
  checkSize(width, height, 48, 20);
  const texts = randomTexts({ length, charset, part, shares });
  const specks = countOf(disturbance);
  const frontColors = parseColors('frontColors', fronts);
  const backgroundColors = parseColors('backgroundColors', backgrounds);
  checkOpaque(backgroundColors);
  const fonts = loadFonts(sources, ['DejaVuSans']);

  // Layout, in pixels.
  const size = Math.floor(height * 0.6); // of a character's square, and pixels an em
  const baseline = Math.trunc(-size / 6) + size;
  const padding = Math.floor(size / 4);
  checkRoom(texts.maxSymbols, width - 2 * padding, width);
  const gap = Math.floor((width - 2 * padding) / texts.maxSymbols);
  const wave = height >= 48 ? createWave(width, height, size / 10, (1.4 * Math.PI) / 200) : undefined;

  const glyphs = glyphCache(fonts, texts.symbols, size, baseline);
  const layer = createLayer(width, height);

  function sample(rng: Rng, symbols: readonly string[]): AfocusScene {
    return {
      background: rng.pick(backgroundColors),
      dots: Array.from({ length: specks }, (_, i) => ({
        x: rng.int(width),
        y: rng.int(height),
        radius: 1 + rng.int(Math.floor(height / 20)),
        filled: i % 4 !== 0,
        color: rng.pick(frontColors),
      })),
      lines: Array.from({ length: specks }, (_, i) => ({
        x: rng.int(width),
        y: rng.int(height),
        width: signed(rng.int(height), i),
        height: signed(rng.int(Math.floor(height / 10)), i),
        color: rng.pick(frontColors),
      })),
      characters: symbols.map((symbol) => ({
        symbol,
        font: rng.int(fonts.length),
        color: rng.pick(frontColors),
        angle: rng.int(40) - 20,
      })),
    };
  }

  function draw({ background, dots, lines, characters }: AfocusScene, picture: Picture): void {
    fill(picture, background);
    for (const dot of dots) drawDot(picture, dot);
    for (const line of lines) drawLine(picture, line);
    clearLayer(layer);
    characters.forEach(drawCharacter);
    if (wave !== undefined) applyWave(layer, wave);
    composeOver(picture, layer);
  }

  function drawCharacter({ symbol, font, color, angle }: Character, position: number): void {
    const glyph = glyphs.rotated(font, symbol, angle);
    const left = padding + position * gap + glyph.left;
    const top = Math.trunc((height - glyph.side) / 2) + glyph.top;
    drawMask(layer, glyph.runs, left, top, color);
  }

  function describe({ background, dots, lines, characters }: AfocusScene): AfocusParameters {
    return {
      background: formatColor(background),
      dots: dots.map((dot) => ({ ...dot, color: formatColor(dot.color) })),
      lines: lines.map((line) => ({ ...line, color: formatColor(line.color) })),
      characters: characters.map((character, i) => ({
        symbol: character.symbol,
        font: (fonts[character.font] as { name: string }).name,
        color: formatColor(character.color),
        angle: character.angle,
        box: boxOf(character, i),
      })),
    };
  }

  function boxOf(character: Character, position: number) {
    clearLayer(layer);
    drawCharacter(character, position);
    if (wave !== undefined) applyWave(layer, wave);
    return layerBox(layer);
  }

  return { name: 'afocus', width, height, texts, sample, draw, describe };
}

/** Negated for odd indexes. */
function signed(value: number, index: number): number {
  return index % 2 === 0 ? value : 0 - value;
}

function countOf(disturbance: Disturbance): number {
  if (!Object.hasOwn(disturbances, disturbance)) {
    throw new ProjError('Unknown disturbance', {
      code: 'invalid-disturbance',
      expected: Object.keys(disturbances).join(', '),
      received: String(disturbance),
    });
  }
  return disturbances[disturbance];
}
