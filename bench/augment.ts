import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gaussianNoise, resize, run } from '@proj/augment';
import { afocus } from '@proj/captcha-gen';
import { ProjError, Rng } from '@proj/core';
import type { BenchmarkOptions } from './main.js';
import { AUGMENT_CASES, type AugmentCase } from './support/augment-cases.js';
import { compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { machine } from './support/results.js';

export const options = ['json', 'only'] as const;

const PYTHON = process.env.PYTHON ?? 'python3';
const RIVAL = 'torchvision';

/** Shorter calls are repeated. */
const ROUND_MS = 300;

/**
 * Pictures a second through the training transforms of two reports, from bytes to normalised real numbers: ours beside
 * torchvision on Pillow and albumentations, on the same captchas made larger and noisy. One thread each; they take turns.
 * `PYTHON` names the interpreter that has the peers, `PYTHON_ALBUMENTATIONS` another one for albumentations.
 */
export default async function benchmark({ json, only }: BenchmarkOptions): Promise<void> {
  const cases = Object.entries(AUGMENT_CASES).filter(([name]) => only === undefined || name === only);
  if (cases.length === 0) {
    throw new ProjError('There is no such case', {
      code: 'unknown-case',
      expected: Object.keys(AUGMENT_CASES).join(', '),
      received: only ?? '',
    });
  }
  const folder = await mkdtemp(join(tmpdir(), 'bench-augment-'));
  const rows = [];
  try {
    for (const [name, theCase] of cases) {
      const file = join(folder, `${name}.raw`);
      await writeFile(file, picturesOf(theCase));
      const measured = await compete(entriesOf(name, theCase, file), { roundMilliseconds: ROUND_MS });
      const rival = measured.find(({ engine }) => engine === RIVAL);
      for (const row of measured) {
        rows.push({ case: name, ...row, ...(rival && { ratio: row.picturesPerSecond / rival.picturesPerSecond }) });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  if (json) {
    console.log(JSON.stringify({ benchmark: 'augment', machine, rival: RIVAL, rows }));
    return;
  }
  console.log(`augment: pictures a second on one thread, medians of ${rows[0]?.rounds} rounds or more (${machine})\n`);
  for (const { case: name, engine, picturesPerSecond, ratio, description } of rows) {
    const rate = picturesPerSecond.toFixed(0).padStart(7);
    const times = ratio === undefined ? '' : `x${ratio.toFixed(2)}`;
    console.log(`  ${name.padEnd(22)} ${engine.padEnd(16)} ${rate} ${times.padStart(7)}   ${description}`);
  }
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
    python('albumentations', 'albumentations_augment.py', process.env.PYTHON_ALBUMENTATIONS),
  ];
}
