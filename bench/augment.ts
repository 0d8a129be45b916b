import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gaussianNoise, resize, run } from '@proj/augment';
import { afocus } from '@proj/captcha-gen';
import { ProjError, Rng } from '@proj/core';
import type { BenchmarkOptions } from './main.js';
import { AUGMENT_CASES, type AugmentCase } from './support/augment-cases.js';
import { compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { keepResults, machine, tableOf } from './support/results.js';
import { temporaryFolder } from './support/temporary-folder.js';

export const options = ['json', 'only', 'save'] as const;

const PYTHON = process.env.PYTHON ?? 'python3';
const { PYTHON_PILLOW_SIMD } = process.env;
const RIVAL = 'torchvision';

const README = fileURLToPath(new URL('../packages/augment/README.md', import.meta.url));

/** Shorter calls are repeated. */
const ROUND_MS = 300;

interface AugmentRow {
  readonly transform: string;
  readonly engine: string;
  readonly description: string;
  readonly picturesPerSecond: number;
  /** Times the rival's, where that competed. */
  readonly ratio?: number;
}

/** What the repository keeps of a measurement. */
export interface AugmentResults {
  /** `yyyy-mm-dd` */
  readonly date: string;
  readonly machine: string;
  readonly rival: string;
  /** The fewest of which a median is. */
  readonly rounds: number;
  readonly rows: readonly AugmentRow[];
}

/**
 * Pictures a second through the training transforms of two reports, from bytes to normalised real numbers: ours beside
 * torchvision on Pillow and albumentations, on the same captchas made larger and noisy. One thread each; they take turns.
 * `PYTHON` names the interpreter that has the peers, `PYTHON_ALBUMENTATIONS` another one for albumentations,
 * `PYTHON_PILLOW_SIMD` one whose torchvision works on Pillow-SIMD.
 */
export default async function benchmark({ json, only, save }: BenchmarkOptions): Promise<void> {
  const cases = Object.entries(AUGMENT_CASES).filter(([name]) => only === undefined || name === only);
  if (cases.length === 0) {
    throw new ProjError('There is no such case', {
      code: 'unknown-case',
      expected: Object.keys(AUGMENT_CASES).join(', '),
      received: only ?? '',
    });
  }
  const folder = temporaryFolder('augment');
  const rows: AugmentRow[] = [];
  const rounds: number[] = [];
  for (const [name, theCase] of cases) {
    const file = join(folder, `${name}.raw`);
    await writeFile(file, picturesOf(theCase));
    const measured = await compete(entriesOf(name, theCase, file), { roundMilliseconds: ROUND_MS });
    const rival = measured.find(({ engine }) => engine === RIVAL);
    for (const { engine, description, picturesPerSecond, rounds: count } of measured) {
      const ratio = rival && { ratio: picturesPerSecond / rival.picturesPerSecond };
      rows.push({ transform: name, engine, description, picturesPerSecond, ...ratio });
      rounds.push(count);
    }
  }
  const date = new Date().toISOString().slice(0, 10);
  const results: AugmentResults = { date, machine, rival: RIVAL, rounds: Math.min(...rounds), rows };
  if (save) {
    if (only === undefined) await keepResults('augment', README, results, augmentTable(results));
    else console.error('Not kept: --only leaves cases out.');
  }
  if (json) {
    console.log(JSON.stringify({ benchmark: 'augment', ...results }));
    return;
  }
  console.log(`augment: pictures a second on one thread, medians of ${results.rounds} rounds or more (${machine})\n`);
  for (const { transform, engine, picturesPerSecond, ratio, description } of rows) {
    const rate = picturesPerSecond.toFixed(0).padStart(7);
    const times = ratio === undefined ? '' : `x${ratio.toFixed(2)}`;
    console.log(`  ${transform.padEnd(22)} ${engine.padEnd(26)} ${rate} ${times.padStart(7)}   ${description}`);
  }
}

/** What the README shows of a measurement. */
export function augmentTable({ date, machine, rival, rounds, rows }: AugmentResults): string {
  const header = ['transform', 'engine', 'pictures a second', `speed over ${rival}`];
  const cells = rows.map(({ transform, engine, picturesPerSecond, ratio }) => {
    const speed = ratio === undefined ? '' : `${ratio.toFixed(2)}x`;
    return [transform, engine, picturesPerSecond.toFixed(0), speed];
  });
  const peers = new Set(rows.map(({ description }) => description).filter((each) => !each.startsWith('Node')));
  const note = `- ${date}: ${machine}; ${[...peers].join('; ')}; medians of ${rounds} rounds or more.`;
  return `\n${[...tableOf([header, ...cells]), '', note].join('\n')}\n\n`;
}

/** Captchas stretched to the case's size, with the noise of a camera. */
function picturesOf({ side, count }: AugmentCase): Uint8Array {
  const style = afocus();
  const stretch = resize({ size: [side, side] });
  const noise = gaussianNoise({ sigma: 0.02 });
  const size = side * side * 3;
  const bytes = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const stretched = stretch.apply(style.generate(1, i).image, {});
    bytes.set(run(noise, stretched, new Rng(i)).image.data, i * size);
  }
  return bytes;
}

function entriesOf(name: string, { side, count }: AugmentCase, file: string): Entry[] {
  const ours = fileURLToPath(new URL('contestants/augment.ts', import.meta.url));
  const python = (engine: string, script: string, interpreter = PYTHON): Entry => {
    const program = fileURLToPath(new URL(`contestants/${script}`, import.meta.url));
    return {
      ...{ engine, precision: 'bytes to float32', batch: count },
      start: () => new Contestant(interpreter, [program, name, file, String(side), String(count)]),
    };
  };
  return [
    {
      ...{ engine: 'augment', precision: 'bytes to float32', batch: count },
      start: () => new Contestant(process.execPath, ['--import', 'tsx', ours, name, file]),
    },
    python(RIVAL, 'torchvision_augment.py'),
    ...(PYTHON_PILLOW_SIMD === undefined
      ? []
      : [python('torchvision on Pillow-SIMD', 'torchvision_augment.py', PYTHON_PILLOW_SIMD)]),
    python('albumentations', 'albumentations_augment.py', process.env.PYTHON_ALBUMENTATIONS),
  ];
}
