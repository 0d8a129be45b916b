import { ProjError } from '@proj/core';
import type { ArgsDef } from 'citty';
import { bundledFonts } from './bundled-fonts.js';
import { type Charset, charsets } from './charset.js';
import { type Arguments, invalid, list, number, range, text } from './cli-values.js';
import type { StyleName } from './styles/index.js';

const sized = ['width', 'height', 'font', 'part'];
const look = [...sized, 'angle', 'lines', 'dots', 'noise', 'normalized'];

/** Which options each style takes. */
const taken: Record<StyleName, readonly string[]> = {
  afocus: [...sized, 'length', 'charset', 'disturbance', 'front', 'background'],
  imageCaptcha: [...sized, 'length', 'charset', 'front', 'background', 'font-size'],
  wide: [...look, 'length', 'charset'],
  arithmetic: [...look, 'operator', 'operands'],
};

/** Options of the command that say how captchas look, by the name that the styles have for them. */
export const styleOptions = {
  style: {
    type: 'string',
    default: 'afocus',
    valueHint: Object.keys(taken).join('|'),
    description: 'Kind of captcha',
  },
  width: { type: 'string', valueHint: 'pixels', description: 'Width (default by style: 128, 160, 200, 200)' },
  height: { type: 'string', valueHint: 'pixels', description: 'Height (default by style: 64, 60, 60, 60)' },
  length: {
    type: 'string',
    valueHint: 'n|least-most',
    description: 'Characters in each captcha (default 4; wide: 4-6)',
  },
  charset: {
    type: 'string',
    valueHint: `${Object.keys(charsets).join('|')}|symbols`,
    description: 'A named charset, or the symbols themselves (default ALL)',
  },
  font: {
    type: 'string',
    valueHint: 'name|file',
    description: `${bundledFonts.join(', ')}, or a TTF, OTF or TTC file; may be repeated; "captcha-gen fonts" lists them`,
  },
  part: { type: 'string', valueHint: 'train|validation|test', description: 'Only labels of this part of all labels' },
  disturbance: {
    type: 'string',
    valueHint: 'NORMAL|MEDIUM|HIGH',
    description: 'afocus: 4, 8 or 16 dots and lines (default MEDIUM)',
  },
  front: {
    type: 'string',
    valueHint: '#rrggbb',
    description: 'afocus, imageCaptcha: colour of text, dots and lines; may be repeated (default white; chance)',
  },
  background: {
    type: 'string',
    valueHint: '#rrggbb',
    description: 'afocus, imageCaptcha: background; may be repeated (default 8 colours; pale ones)',
  },
  'font-size': {
    type: 'string',
    valueHint: 'pixels',
    description: 'imageCaptcha: an em; may be repeated (default 42, 50, 56)',
  },
  angle: { type: 'string', valueHint: 'degrees', description: 'wide, arithmetic: leaning at most (default 20)' },
  lines: { type: 'string', valueHint: 'n', description: 'wide, arithmetic: lines, and as many curves (default 2)' },
  dots: { type: 'string', valueHint: 'n', description: 'wide, arithmetic: dots (default 30)' },
  noise: { type: 'string', valueHint: 'levels', description: 'wide, arithmetic: noise at most (default 10)' },
  normalized: { type: 'boolean', default: false, description: 'wide, arithmetic: dark on white, whatever the colours' },
  operator: {
    type: 'string',
    valueHint: '+|-|x',
    description: 'arithmetic: what is asked; may be repeated (default all)',
  },
  operands: { type: 'string', valueHint: 'least-most', description: 'arithmetic: numbers asked for (default 0-20)' },
} as const satisfies ArgsDef;

/** A style by its name, with its options as they were told; whether they make sense is for the style to say. */
export interface ToldStyle {
  readonly name: StyleName;
  readonly options: Readonly<Record<string, unknown>>;
}

/** @throws ProjError `invalid-option` or `unknown-option`. */
export function readStyle(args: Arguments): ToldStyle {
  const name = text(args, 'style') as StyleName;
  if (!Object.hasOwn(taken, name)) throw invalid('style', Object.keys(taken).join(', '), name);
  const given = Object.keys(styleOptions).filter((option) => option !== 'style' && Boolean(args[option] ?? false));
  const foreign = given.find((option) => !taken[name].includes(option));
  if (foreign !== undefined) {
    throw new ProjError(`The style ${name} has no option --${foreign}`, {
      code: 'unknown-option',
      expected: taken[name].map((option) => `--${option}`).join(', '),
      fix: 'Leave it out or choose another --style',
    });
  }
  return {
    name,
    options: {
      width: number(args, 'width'),
      height: number(args, 'height'),
      length: range(args, 'length'),
      charset: namedCharset(text(args, 'charset')),
      fonts: list(args, 'font'),
      part: text(args, 'part'),
      disturbance: text(args, 'disturbance'),
      frontColors: list(args, 'front'),
      backgroundColors: list(args, 'background'),
      fontSizes: list(args, 'font-size')?.map((size) => number({ _: [], 'font-size': size }, 'font-size')!),
      maxAngle: number(args, 'angle'),
      lines: number(args, 'lines'),
      dots: number(args, 'dots'),
      noise: number(args, 'noise'),
      normalized: args.normalized === true,
      operators: list(args, 'operator')?.map((operator) => (operator === 'x' ? '\u00d7' : operator)),
      operands: range(args, 'operands'),
    },
  };
}

export function namedCharset(name: string | undefined): Charset | undefined {
  return name !== undefined && Object.hasOwn(charsets, name) ? charsets[name as keyof typeof charsets] : name;
}
