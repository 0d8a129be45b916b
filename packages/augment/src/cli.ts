#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { ProjError } from '@proj/core';
import { type ArgsDef, defineCommand, parseArgs, renderUsage } from 'citty';
import type { ExpandFolderOptions } from './expand-folder.js';
import type { TransformJson } from './transform.js';

const options = {
  input: { type: 'positional', required: false, description: 'Folder of pictures, subfolders included' },
  out: { type: 'string', valueHint: 'dir', description: 'Folder for the copies (needed)' },
  copies: { type: 'string', default: '29', valueHint: 'n', description: 'Copies of each picture (default 29)' },
  pipeline: {
    type: 'string',
    valueHint: 'file',
    description: 'JSON file: a transform, or a list of transforms (needed)',
  },
  seed: { type: 'string', default: '1', valueHint: 'number', description: 'Names the choices of chance (default 1)' },
  help: { type: 'boolean', alias: 'h', default: false, description: 'Show this' },
} as const satisfies ArgsDef;

const command = defineCommand({
  meta: {
    name: 'augment expand',
    description:
      'Writes augmented copies of every picture of a folder, with augment.jsonl. Repeat a stopped call and it goes on; nothing is overwritten.',
  },
  args: options,
});

const examples = `EXAMPLES

  augment expand pictures --out expanded --copies 29 --pipeline pipeline.json --seed 1

  pipeline.json: [{ "name": "randomHorizontalFlip" }, { "name": "randomRotation", "degrees": 15 }]
`;

/** Runs the command; gives the exit code: 0 done, 1 error (one clear message), 130 stopped by Ctrl-C. */
async function main([action, ...argv]: string[]): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const args = parseArgs(argv, options) as Record<string, unknown> & { _: string[] };
    if (args.help || action === '--help' || action === '-h') {
      console.log(`${await renderUsage(command)}\n${examples}`);
      return 0;
    }
    if (action !== 'expand') throw invalid('command', 'expand', action ?? 'nothing');
    checkNames(args);
    const job = await jobOf(args);
    // The decoder takes a while to load, which help and errors need not wait for.
    const { expandFolder } = await import('./expand-folder.js');
    const { written, kept, manifest } = await expandFolder({
      ...job,
      onProgress: progressLine(),
      signal: stop.signal,
    });
    console.error(
      `${written} copies written to ${job.out}${kept > 0 ? `, ${kept} stood there already` : ''}; listed in ${manifest}`,
    );
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      console.error('\nStopped. The same command goes on from here.');
      return 130;
    }
    console.error(`augment: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function jobOf(args: Record<string, unknown> & { _: string[] }): Promise<ExpandFolderOptions> {
  return {
    input: text(args, 'input', 'a folder of pictures'),
    out: text(args, 'out', 'a folder to write to'),
    copies: number(args, 'copies'),
    seed: number(args, 'seed'),
    pipeline: await readPipeline(text(args, 'pipeline', 'a JSON file')),
  };
}

async function readPipeline(path: string): Promise<TransformJson | TransformJson[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ProjError(`Cannot read the pipeline ${path}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      expected: 'a JSON file',
      cause,
    });
  }
}

function number(args: Record<string, unknown>, name: string): number {
  const value = text(args, name, 'a number');
  const parsed = Number(value);
  if (!Number.isFinite(parsed)) throw invalid(name, 'a number', value);
  return parsed;
}

function text(args: Record<string, unknown>, name: string, expected: string): string {
  const value = args[name];
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(name, Array.isArray(value) ? 'one value' : expected, value === undefined ? 'nothing' : String(value));
}

/** citty takes any option without a word; a misspelt one must not pass. */
function checkNames(args: Record<string, unknown> & { _: string[] }): void {
  const known = [...Object.keys(options), '_', 'h'];
  const unknown = [
    ...Object.keys(args)
      .filter((name) => !known.includes(name))
      .map((name) => (name.length === 1 ? `-${name}` : `--${name}`)),
    ...args._.filter((word) => word !== args.input),
  ];
  if (unknown.length > 0) {
    throw new ProjError(`Unknown option ${unknown[0]}`, { code: 'unknown-option', fix: 'See augment --help' });
  }
}

function invalid(name: string, expected: string, received: string): ProjError {
  return new ProjError(`Cannot use ${name === 'input' || name === 'command' ? `this ${name}` : `--${name}`}`, {
    code: 'invalid-option',
    expected,
    received,
    fix: 'See augment --help',
  });
}

/** On a terminal one line that counts up; elsewhere a line each tenth. */
function progressLine(): NonNullable<ExpandFolderOptions['onProgress']> {
  let tenths = 0;
  return ({ done, total }) => {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r${done}/${total} copies${done === total ? '\n' : ''}`);
    } else if (Math.floor((done * 10) / total) > tenths) {
      tenths = Math.floor((done * 10) / total);
      process.stderr.write(`${done}/${total} copies\n`);
    }
  };
}

process.exitCode = await main(process.argv.slice(2));
