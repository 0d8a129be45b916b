#!/usr/bin/env node
import { ProjError } from '@proj/core';
import { type ArgsDef, defineCommand, parseArgs, renderUsage } from 'citty';
import { type Charset, charsets } from './charset.js';
import { defaultPattern } from './file-name.js';
import type { Part } from './part.js';
import type { CaptchaStyle } from './style.js';
import type { Disturbance } from './styles/afocus.js';
import { type StyleName, styles } from './styles/index.js';
import type { WriteFolderOptions } from './write-folder.js';

const options = {
  style: {
    type: 'string',
    default: 'afocus',
    valueHint: Object.keys(styles).join('|'),
    description: 'Kind of captcha',
  },
  count: {
    type: 'string',
    default: '100',
    valueHint: 'n',
    description: 'How many captchas the folder is to hold (default 100)',
  },
  out: { type: 'string', valueHint: 'dir', description: 'Folder to write to (needed)' },
  seed: {
    type: 'string',
    default: '1',
    valueHint: 'number',
    description: 'Names the sequence of captchas (default 1)',
  },
  start: {
    type: 'string',
    default: '0',
    valueHint: 'i',
    description: 'Index of the first captcha in the sequence (default 0)',
  },
  width: { type: 'string', valueHint: 'pixels', description: 'Width (default 128)' },
  height: { type: 'string', valueHint: 'pixels', description: 'Height (default 64)' },
  length: { type: 'string', valueHint: 'n', description: 'Characters in each captcha (default 4)' },
  charset: {
    type: 'string',
    valueHint: `${Object.keys(charsets).join('|')}|symbols`,
    description: 'A named charset, or the symbols themselves (default ALL)',
  },
  disturbance: {
    type: 'string',
    valueHint: 'NORMAL|MEDIUM|HIGH',
    description: '4, 8 or 16 dots and lines (default MEDIUM)',
  },
  front: {
    type: 'string',
    valueHint: '#rrggbb',
    description: 'Colour of text, dots and lines; may be repeated (default white)',
  },
  background: { type: 'string', valueHint: '#rrggbb', description: 'Background; may be repeated (default 8 colours)' },
  font: {
    type: 'string',
    valueHint: 'file',
    description: 'TTF, OTF or TTC file; may be repeated (default DejaVu Sans)',
  },
  part: { type: 'string', valueHint: 'train|validation|test', description: 'Only labels of this part of all labels' },
  pattern: {
    type: 'string',
    default: defaultPattern,
    valueHint: 'name',
    description: `File names: {i} is the index, {label} the label (default ${defaultPattern})`,
  },
  overwrite: { type: 'boolean', default: false, description: 'Delete the captchas that stand in the folder' },
  help: { type: 'boolean', alias: 'h', default: false, description: 'Show this' },
} as const satisfies ArgsDef;

const command = defineCommand({
  meta: {
    name: 'captcha-gen',
    description:
      'Writes captchas as PNG files with labels.jsonl. Repeat a stopped call and it goes on; the same seed gives the same pictures.',
  },
  args: options,
});

const examples = `EXAMPLES

  captcha-gen --count 100 --out captchas --seed 1
  captcha-gen --count 1000 --out digits --charset NUM --length 6 --width 160 --part test
`;

/** Runs the command; gives the exit code: 0 done, 1 error (one clear message), 130 stopped by Ctrl-C. */
async function main(argv: string[]): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const args = parseArgs(argv, options) as Record<string, unknown> & { _: string[] };
    if (args.help) {
      console.log(`${await renderUsage(command)}\n${examples}`);
      return 0;
    }
    checkNames(args);
    const style = createStyle(args);
    const job = jobOf(args);
    // The encoder takes a while to load, which help and errors need not wait for.
    const { writeFolder } = await import('./write-folder.js');
    const { written, kept, manifest } = await writeFolder(style, {
      ...job,
      onProgress: progressLine(),
      signal: stop.signal,
    });
    console.error(
      `${written} captchas written to ${job.out}${kept > 0 ? `, ${kept} stood there already` : ''}; labels in ${manifest}`,
    );
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      console.error('\nStopped. The same command goes on from here.');
      return 130;
    }
    console.error(`captcha-gen: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function createStyle(args: Record<string, unknown>): CaptchaStyle {
  const name = text(args, 'style') as StyleName;
  if (!Object.hasOwn(styles, name)) throw invalid('style', Object.keys(styles).join(', '), name);
  return styles[name]({
    width: number(args, 'width'),
    height: number(args, 'height'),
    length: number(args, 'length'),
    charset: charset(text(args, 'charset')),
    disturbance: text(args, 'disturbance') as Disturbance | undefined,
    frontColors: list(args, 'front'),
    backgroundColors: list(args, 'background'),
    fonts: list(args, 'font'),
    part: text(args, 'part') as Part | undefined,
  });
}

function jobOf(args: Record<string, unknown>): WriteFolderOptions {
  const out = text(args, 'out');
  if (out === undefined) throw invalid('out', 'a folder to write to', 'nothing');
  return {
    out,
    count: number(args, 'count') as number,
    seed: number(args, 'seed') as number,
    startIndex: number(args, 'start'),
    pattern: text(args, 'pattern'),
    overwrite: args.overwrite === true,
  };
}

function charset(name: string | undefined): Charset | undefined {
  return name !== undefined && Object.hasOwn(charsets, name) ? charsets[name as keyof typeof charsets] : name;
}

function list(args: Record<string, unknown>, name: string): string[] | undefined {
  const value = args[name];
  if (value === undefined) return undefined;
  return [value].flat().map((item) => text({ [name]: item }, name) as string);
}

function number(args: Record<string, unknown>, name: string): number | undefined {
  const value = text(args, name);
  if (value === undefined) return undefined;
  const parsed = Number(value);
  if (!Number.isFinite(parsed)) throw invalid(name, 'a number', value);
  return parsed;
}

function text(args: Record<string, unknown>, name: string): string | undefined {
  const value = args[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw invalid(name, 'one value', value === '' ? 'none' : String(value));
}

/** citty takes any option without a word; a misspelt one must not pass. */
function checkNames(args: Record<string, unknown> & { _: string[] }): void {
  const known = [...Object.keys(options), '_', 'h'];
  const unknown = [
    ...Object.keys(args)
      .filter((name) => !known.includes(name))
      .map((name) => `--${name}`),
    ...args._,
  ];
  if (unknown.length > 0) {
    throw new ProjError(`Unknown option ${unknown[0]}`, { code: 'unknown-option', fix: 'See captcha-gen --help' });
  }
}

function invalid(name: string, expected: string, received: string): ProjError {
  return new ProjError(`Cannot use --${name}`, {
    code: 'invalid-option',
    expected,
    received,
    fix: 'See captcha-gen --help',
  });
}

/** On a terminal one line that counts up; elsewhere a line each tenth. */
function progressLine(): NonNullable<WriteFolderOptions['onProgress']> {
  let tenths = 0;
  return ({ done, total }) => {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r${done}/${total} captchas${done === total ? '\n' : ''}`);
    } else if (Math.floor((done * 10) / total) > tenths) {
      tenths = Math.floor((done * 10) / total);
      process.stderr.write(`${done}/${total} captchas\n`);
    }
  };
}

process.exitCode = await main(process.argv.slice(2));
