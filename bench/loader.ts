import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProjError } from '@proj/core';
import type { BenchmarkOptions } from './main.js';
import { compete, type Entry, MIN_ROUNDS } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { BATCHES_A_CALL, LOADER_CASES } from './support/loader-cases.js';
import { type LoaderMeasurement, type SpeedRow, saveLoader, type WaitRow } from './support/loader-results.js';
import { machine } from './support/results.js';
import { temporaryFolder } from './support/temporary-folder.js';

export const options = ['json', 'only', 'save'] as const;

const WORKERS = [1, 2];
/** Short ones, so that the whole takes a few minutes. */
const ROUNDS = { roundMilliseconds: 500, milliseconds: 10_000 };
const WAIT_MILLISECONDS = 1500;
const PYTHON = process.env.PYTHON ?? 'python3';
const OURS = fileURLToPath(new URL('contestants/proj-loader.ts', import.meta.url));
const PEER = fileURLToPath(new URL('contestants/torch_loader.py', import.meta.url));
const TRAINING = fileURLToPath(new URL('contestants/loading-train-step.ts', import.meta.url));

/**
 * The loader beside PyTorch's DataLoader with torchvision's transforms, 1 and 2 workers, taking turns: pictures a second as
 * batches of bytes. Then training on the native backend with one worker beside it: the share of its time in which it
 * waits for data. `PYTHON` names the interpreter that has PyTorch and torchvision.
 */
export default async function benchmark({ json, only, save }: BenchmarkOptions): Promise<void> {
  const names = Object.keys(LOADER_CASES).filter((name) => only === undefined || name === only);
  if (names.length === 0) {
    throw new ProjError(`There is no case ${only} for --only`, {
      code: 'unknown-case',
      expected: Object.keys(LOADER_CASES).join(', '),
      received: String(only),
    });
  }
  const say = (line: string) => json || console.log(line);
  const folder = temporaryFolder('loader');
  const cases: Record<string, LoaderMeasurement> = {};
  say(`loader: medians (slowest .. fastest) on ${machine}\n`);
  for (const name of names) {
    const { what, prepare } = LOADER_CASES[name]!;
    say(`${name}: ${what}`);
    const data = join(folder, name);
    await prepare?.(data);
    const speeds = await speedOf(name, data);
    for (const row of speeds) say(speedLine(row));
    const wait = await waitOf(name, data);
    say(wait === undefined ? '' : `${waitLine(wait)}\n`);
    cases[name] = { date: new Date().toISOString().slice(0, 10), machine, what, speeds, ...(wait && { wait }) };
    await rm(data, { recursive: true, force: true });
  }
  if (save) await saveLoader(cases);
  if (json) console.log(JSON.stringify({ benchmark: 'loader', cases }));
}

async function speedOf(name: string, data: string): Promise<SpeedRow[]> {
  const { batchSize, hasPeer } = LOADER_CASES[name]!;
  const batch = BATCHES_A_CALL * batchSize; // pictures a call
  const entries = WORKERS.flatMap((workers): Entry[] => {
    const entry = (engine: string, start: () => Contestant) => ({ engine, precision: String(workers), batch, start });
    const args = [name, data, String(workers)];
    return [
      entry('@proj/datasets', () => node(OURS, args)),
      ...(hasPeer ? [entry('PyTorch', () => new Contestant(PYTHON, [PEER, ...args]))] : []),
    ];
  });
  const measured = await compete(entries, ROUNDS);
  return measured.map(({ engine, precision, description, rounds, picturesPerSecond, slowest, fastest }) => {
    const rival = measured.find((other) => other.engine === 'PyTorch' && other.precision === precision);
    return {
      engine,
      workers: Number(precision),
      picturesPerSecond,
      slowest: (1000 * batch) / slowest,
      fastest: (1000 * batch) / fastest,
      rounds,
      ...(rival && { ratio: picturesPerSecond / rival.picturesPerSecond }),
      description,
    };
  });
}

/** None where the native backend is not built. */
async function waitOf(name: string, data: string): Promise<WaitRow | undefined> {
  const contestant = node(TRAINING, [name, data]);
  try {
    const description = await contestant.ready();
    const calls = Math.max(1, Math.ceil(WAIT_MILLISECONDS / (await contestant.run())));
    await contestant.outputs();
    const rounds: { milliseconds: number; percent: number }[] = [];
    while (rounds.length < MIN_ROUNDS) {
      const milliseconds = await contestant.run(calls);
      rounds.push({ milliseconds, percent: 100 * (await contestant.outputs())[0]! });
    }
    const sorted = (key: 'milliseconds' | 'percent') => rounds.map((round) => round[key]).sort((a, b) => a - b);
    return {
      model: LOADER_CASES[name]!.modelName,
      batch: LOADER_CASES[name]!.batchSize,
      milliseconds: sorted('milliseconds')[MIN_ROUNDS >> 1]!,
      percent: sorted('percent')[MIN_ROUNDS >> 1]!,
      largestPercent: sorted('percent').at(-1)!,
      steps: calls * MIN_ROUNDS,
      description,
    };
  } catch (error) {
    console.error(`No training beside ${name}: ${(error as Error).message}`);
    return undefined;
  } finally {
    contestant.kill();
  }
}

function node(program: string, args: readonly string[]): Contestant {
  return new Contestant(process.execPath, ['--import', 'tsx', program, ...args]);
}

function speedLine(row: SpeedRow): string {
  const { engine, workers, picturesPerSecond, slowest, fastest, ratio, description } = row;
  const range = `(${Math.round(slowest)} .. ${Math.round(fastest)})`;
  return [
    `  ${engine.padEnd(15)} ${workers} ${String(Math.round(picturesPerSecond)).padStart(7)}/s ${range.padEnd(20)}`,
    (ratio === undefined ? '' : `x${ratio.toFixed(2)}`).padStart(6),
    ` ${description}`,
  ].join(' ');
}

function waitLine({ model, batch, milliseconds, percent, largestPercent, steps, description }: WaitRow): string {
  const step = `${model} ${batch}, ${milliseconds.toFixed(0)} ms a step`;
  return `  training ${step}, waits ${percent.toFixed(2)}% (at most ${largestPercent.toFixed(2)}%) of ${steps} steps, ${description}`;
}
