import { ProjError, type Rng } from '@proj/core';
import type { BundledFont } from '../bundled-fonts.js';
import { type Charset, charsets } from '../charset.js';
import { type Color, formatColor } from '../color.js';
import { type FontSource, loadFonts } from '../font.js';
import { clipBox } from '../mask.js';
import { normalizePicture } from '../normalize-colors.js';
import type { Picture } from '../picture.js';
import { type Arc, drawArc } from '../stages/arc.js';
import { type Dot, drawDot } from '../stages/dots.js';
import { fillGradient } from '../stages/gradient.js';
import { drawInk, type Ink, paintInk } from '../stages/ink.js';
import { drawLine, type Line } from '../stages/lines.js';
import { addNoise, type Noise } from '../stages/noise.js';
import {
  type CaptchaParameters,
  type CaptchaStyle,
  type CharacterParameters,
  checkRoom,
  checkSize,
  defineStyle,
  type StyleDefinition,
} from '../style.js';
import { type Length, type PartOptions, randomTexts, type TextSource } from '../texts.js';
import { cos, sin } from '../trigonometry.js';

/** How {@link wide} pictures look. */
export interface WideLook {
  /** Pixels, at least 48. Default 200. */
  readonly width?: number | undefined;
  /** Pixels, at least 20. Default 60. */
  readonly height?: number | undefined;
  /** One is drawn for each character. Default six of those that come with the package, see `wideFonts`. */
  readonly fonts?: readonly FontSource[] | undefined;
  /** Characters lean by up to so many degrees to either side, 0..45. Default 20. */
  readonly maxAngle?: number | undefined;
  /** Straight lines and curves, each, 0..1000. Default 2. */
  readonly lines?: number | undefined;
  /** 0..10000. Default 30. */
  readonly dots?: number | undefined;
  /** Levels by which pixels are changed at most, 0..127. Default 10. */
  readonly noise?: number | undefined;
  /** Whether colours are made alike, as `normalizeColors` does. Default false. */
  readonly normalized?: boolean | undefined;
}

/** Settings of {@link wide}: plain data, so that they can be sent to a worker. */
export interface WideOptions extends WideLook, PartOptions {
  /** Characters in each captcha, or the least and the most. Default 4 to 6. */
  readonly length?: Length | undefined;
  /** Default `charsets.ALL`. */
  readonly charset?: Charset | undefined;
}

/** What chance decided for one picture; colours as `#rrggbb`, angles in degrees, counter-clockwise positive, else pixels. */
export interface WideParameters extends CaptchaParameters {
  /** Of the left and of the right edge. */
  readonly background: readonly [string, string];
  /** An em. */
  readonly size: number;
  readonly lines: readonly (Omit<Line, 'color'> & { readonly color: string })[];
  readonly curves: readonly (Omit<Arc, 'color'> & { readonly color: string })[];
  readonly dots: readonly (Omit<Dot, 'color'> & { readonly color: string })[];
  readonly noise: Noise;
  readonly characters: readonly (CharacterParameters & {
    /** PostScript name. */
    readonly font: string;
    readonly color: string;
    readonly angle: number;
    /** Pixels to the right for each pixel upwards, before it is turned. */
    readonly slant: number;
  })[];
}

interface Character {
  readonly symbol: string;
  /** Number of the font in the style's list. */
  readonly font: number;
  readonly color: Color;
  readonly angle: number;
  readonly slant: number;
  /** Share of the free width that is left before it, as a weight. */
  readonly gap: number;
  /** Baseline. */
  readonly y: number;
}

interface Scene {
  readonly background: readonly [Color, Color];
  readonly size: number;
  readonly lines: readonly Line[];
  readonly curves: readonly Arc[];
  readonly dots: readonly Dot[];
  readonly noise: Noise;
  readonly characters: readonly Character[];
}

/** Fonts of `wide` unless told: of different character, and in each of them all symbols of `charsets.ALL` can be told apart. */
export const wideFonts: readonly BundledFont[] = [
  'DejaVuSans',
  'Caveat-Bold',
  'DroidSansMono',
  'Oswald',
  'RobotoSlab-Bold',
  'Tinos',
];

/**
 * Wide pictures in many colours: 4 to 6 characters of as many fonts, each leaning in its own way, on a pale gradient with
 * lines, curves, dots and noise. All characters of a picture have one size, without which `c` and `C` would look alike.
 *
 * @throws ProjError `invalid-size`, `invalid-length`, `invalid-charset`, `invalid-option`, `invalid-font`, `missing-glyph`,
 * `invalid-part` or `invalid-shares`.
 */
export function wide(options: WideOptions = {}): CaptchaStyle<WideParameters> {
  const { length = [4, 6], charset = charsets.ALL, part, shares, ...look } = options;
  const texts = randomTexts({ length, charset, part, shares });
  return defineStyle({ ...wideDefinition('wide', texts, look), recipe: { style: 'wide', options } });
}

/** The style's parts for any texts: what chance decides, how it is drawn, how it is told. */
export function wideDefinition(
  name: string,
  texts: TextSource,
  {
    width = 200,
    height = 60,
    fonts: sources = [],
    maxAngle = 20,
    lines: lineCount = 2,
    dots: dotCount = 30,
    noise: amplitude = 10,
    normalized = false,
  }: WideLook,
): StyleDefinition<Scene, WideParameters> {
  checkSize(width, height, 48, 20);
  checkRoom(texts.maxSymbols, width, width);
  checkOption('maxAngle', maxAngle, 45, 'degrees');
  checkOption('lines', lineCount, 1000);
  checkOption('dots', dotCount, 10_000);
  checkOption('noise', amplitude, 127, 'levels');
  const fonts = loadFonts(sources, wideFonts);
  for (const font of fonts) for (const symbol of texts.symbols) drawInk(font, symbol, 16); // what a font lacks shows at once

  function sample(rng: Rng, symbols: readonly string[]): Scene {
    const pale = () => sampleColor(rng, 190, 255);
    const medium = () => sampleColor(rng, 60, 200);
    const background = [pale(), pale()] as const;
    const characters = symbols.map((symbol) => ({
      symbol,
      font: rng.int(fonts.length),
      color: sampleColor(rng, 0, 130),
      angle: rng.uniform(-maxAngle, maxAngle),
      slant: rng.uniform(-0.15, 0.15),
      gap: rng.uniform(0.5, 1.5),
      y: Math.round(height * rng.uniform(0.66, 0.78)),
    }));
    return {
      background,
      size: Math.round(height * rng.uniform(0.58, 0.64)),
      lines: Array.from({ length: lineCount }, () => sampleLine(rng, medium())),
      curves: Array.from({ length: lineCount }, () => sampleCurve(rng, medium())),
      dots: Array.from({ length: dotCount }, () => ({
        x: rng.int(width),
        y: rng.int(height),
        radius: rng.int(2),
        filled: true,
        color: medium(),
      })),
      noise: { amplitude, seed: rng.uint32() },
      characters,
    };
  }

  /** From the left third to the right third. */
  function sampleLine(rng: Rng, color: Color): Line {
    const third = Math.floor(width / 3);
    const x = rng.int(third);
    const y = rng.int(height);
    return { x, y, width: width - third + rng.int(third) - x, height: rng.int(height) - y, color };
  }

  /** The upper or lower half of an ellipse that may reach beyond the picture. */
  function sampleCurve(rng: Rng, color: Color): Arc {
    const start = 180 * rng.int(2);
    return {
      x: rng.int(width) - Math.floor(width / 4),
      y: rng.int(height) - Math.floor(height / 4),
      width: Math.floor(width * rng.uniform(0.4, 0.9)),
      height: Math.floor(height * rng.uniform(0.3, 0.9)),
      start,
      end: start + 180,
      color,
    };
  }

  function draw(scene: Scene, picture: Picture): void {
    fillGradient(picture, ...scene.background);
    for (const dot of scene.dots) drawDot(picture, dot);
    for (const line of scene.lines) drawLine(picture, line);
    for (const { ink, left, top, color } of placed(scene)) paintInk(picture, ink, left, top, color);
    for (const curve of scene.curves) drawArc(picture, curve);
    addNoise(picture, scene.noise);
    if (normalized) normalizePicture(picture);
  }

  /** Each character's ink and where it goes: side by side, what is free (or missing) shared out between them. */
  function placed({ characters, size }: Scene) {
    const inks = characters.map(({ symbol, font, angle, slant }) =>
      drawInk(fonts[font]!, symbol, size, lean(angle, slant)),
    );
    const free = width - inks.reduce((sum, ink) => sum + ink.width, 0);
    const shares = characters.reduce((sum, { gap }) => sum + gap, 1); // one more after the last
    let end = 0;
    return characters.map(({ gap, y, color }, i) => {
      const ink = inks[i] as Ink;
      const left = Math.round(end + (free * gap) / shares);
      end += (free * gap) / shares + ink.width;
      return { ink, color, left, top: y + ink.top };
    });
  }

  function describe(scene: Scene): WideParameters {
    const places = placed(scene);
    const written = <T extends { readonly color: Color }>(shape: T) => ({ ...shape, color: formatColor(shape.color) });
    return {
      background: [formatColor(scene.background[0]), formatColor(scene.background[1])],
      size: scene.size,
      lines: scene.lines.map(written),
      curves: scene.curves.map(written),
      dots: scene.dots.map(written),
      noise: scene.noise,
      characters: scene.characters.map(({ symbol, font, color, angle, slant }, i) => ({
        symbol,
        font: fonts[font]!.name,
        color: formatColor(color),
        angle,
        slant,
        box: clipBox({ ...places[i]!.ink, x: places[i]!.left, y: places[i]!.top }, width, height),
      })),
    };
  }

  return { name, width, height, texts, sample, draw, describe };
}

/** Leans by a slant, then turns counter-clockwise. */
function lean(degrees: number, slant: number) {
  const angle = (degrees * Math.PI) / 180;
  const [c, s] = [cos(angle), sin(angle)];
  return { xx: c, xy: s - slant * c, yx: -s, yy: c + slant * s };
}

function sampleColor(rng: Rng, least: number, most: number): Color {
  const channel = () => least + rng.int(most - least + 1);
  return [channel(), channel(), channel(), 255];
}

function checkOption(name: string, value: number, most: number, unit = ''): void {
  const whole = unit === 'degrees' || Number.isInteger(value);
  if (!(whole && value >= 0 && value <= most)) {
    throw new ProjError(`Cannot use \`${name}\``, {
      code: 'invalid-option',
      expected: `${unit === 'degrees' ? 'a number' : 'an integer'} of 0..${most} ${unit}`.trim(),
      received: String(value),
    });
  }
}
