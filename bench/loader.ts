import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProjError } from '@proj/core';
import type { BenchmarkOptions } from './main.js';
import { compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { BATCHES_A_CALL, LOADER_CASES, prepareData } from './support/loader-cases.js';
import { CASES } from './support/models.js';
import { machine } from './support/results.js';

export const options = ['json', 'only'] as const;

const WORKERS = [1, 2];
const ROUND_MILLISECONDS = 1000;
const WAIT_ROUNDS = 7;
const WAIT_MILLISECONDS = 2000;
const PYTHON = process.env.PYTHON ?? 'python3';
const OURS = fileURLToPath(new URL('contestants/proj-loader.ts', import.meta.url));
const PEER = fileURLToPath(new URL('contestants/torch_loader.py', import.meta.url));
const STEP = fileURLToPath(new URL('contestants/tfjs-train-step.ts', import.meta.url));

/** Pictures a second of a loader alone: the median of the rounds, with the slowest and the fastest. */
interface SpeedRow {
  readonly name: string;
  readonly engine: string;
  readonly workers: number;
  readonly picturesPerSecond: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly rounds: number;
  /** Over PyTorch with as many workers. */
  readonly ratio?: number;
  readonly description: string;
}

/** How long a training step waits for its batch. */
interface WaitRow {
  readonly name: string;
  readonly model: string;
  readonly stepMilliseconds: number;
  /** Shares of the time in per cent: the median of the rounds, and the largest. */
  readonly waitPercent: number;
  readonly largest: number;
}

/**
 * The loader beside PyTorch's DataLoader with torchvision's transforms, 1 and 2 workers, taking turns: pictures a second as
 * batches of bytes. Then the share of time in which a training with one worker waits for data: steps of the length that a
 * real one in bfloat16 has on the native backend, during which threads keep all cores busy. `PYTHON` names the
 * interpreter that has PyTorch and torchvision.
 */
export default async function benchmark({ json, only }: BenchmarkOptions): Promise<void> {
  const names = Object.keys(LOADER_CASES).filter((name) => only === undefined || name === only);
  if (names.length === 0) {
    throw new ProjError(`There is no case ${only} for --only`, {
      code: 'unknown-case',
      expected: Object.keys(LOADER_CASES).join(', '),
      received: String(only),
    });
  }
  const data = await mkdtemp(join(tmpdir(), 'bench-loader-'));
  try {
    await prepareData(data);
    const say = (line: string) => json || console.log(line);
    say(`loader: pictures a second, medians (slowest .. fastest) on ${machine}\n`);
    const speeds: SpeedRow[] = [];
    for (const name of names) {
      for (const row of await speedOf(name, data)) {
        speeds.push(row);
        say(speedLine(row));
      }
    }
    say(`\nwaiting for data, one worker, medians (largest) of ${WAIT_ROUNDS} rounds\n`);
    const waits: WaitRow[] = [];
    const steps = new Map<string, number | undefined>();
    for (const name of names) {
      const { model } = LOADER_CASES[name]!;
      if (!steps.has(model)) steps.set(model, await stepOf(model));
      const stepMilliseconds = steps.get(model);
      if (stepMilliseconds === undefined) continue;
      const row = await waitOf(name, data, stepMilliseconds);
      waits.push(row);
      say(waitLine(row));
    }
    if (json) console.log(JSON.stringify({ benchmark: 'loader', machine, speeds, waits }));
  } finally {
    await rm(data, { recursive: true });
  }
}

async function speedOf(name: string, data: string): Promise<SpeedRow[]> {
  const { batchSize, hasPeer } = LOADER_CASES[name]!;
  const batch = BATCHES_A_CALL * batchSize; // pictures a call
  const entries = WORKERS.flatMap((workers): Entry[] => {
    const entry = (engine: string, start: () => Contestant) => ({ engine, precision: String(workers), batch, start });
    return [
      entry('@proj/datasets', () => ours(name, data, workers)),
      ...(hasPeer ? [entry('PyTorch', () => new Contestant(PYTHON, [PEER, name, data, String(workers)]))] : []),
    ];
  });
  const measured = await compete(entries, { roundMilliseconds: ROUND_MILLISECONDS });
  return measured.map(({ engine, precision, description, rounds, picturesPerSecond, slowest, fastest }) => {
    const rival = measured.find((other) => other.engine === 'PyTorch' && other.precision === precision);
    return {
      name,
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

/** Milliseconds of a training step in bfloat16; none where the native backend is not built. */
async function stepOf(model: string): Promise<number | undefined> {
  const batch = CASES[model]!.batches.at(-1)!;
  const args = ['--import', 'tsx', STEP, model, String(batch), 'bfloat16', 'onednn'];
  const contestant = new Contestant(process.execPath, args);
  try {
    await contestant.ready();
    const times = [await contestant.run(), await contestant.run(), await contestant.run()];
    return Math.min(...times);
  } catch (error) {
    console.error(`No step of ${model} to wait beside: ${(error as Error).message}`);
    return undefined;
  } finally {
    contestant.kill();
  }
}

async function waitOf(name: string, data: string, stepMilliseconds: number): Promise<WaitRow> {
  const contestant = ours(name, data, 1, stepMilliseconds);
  const steps = Math.max(4, Math.ceil(WAIT_MILLISECONDS / stepMilliseconds));
  try {
    await contestant.ready();
    const shares: number[] = [];
    for (let round = 0; round < WAIT_ROUNDS; round++) {
      await contestant.run(steps);
      shares.push(100 * (await contestant.outputs())[0]!);
    }
    shares.sort((a, b) => a - b);
    const { model } = LOADER_CASES[name]!;
    return { name, model, stepMilliseconds, waitPercent: shares[WAIT_ROUNDS >> 1]!, largest: shares.at(-1)! };
  } finally {
    contestant.kill();
  }
}

function ours(name: string, data: string, workers: number, stepMilliseconds?: number): Contestant {
  const step = stepMilliseconds === undefined ? [] : [String(stepMilliseconds)];
  return new Contestant(process.execPath, [...['--import', 'tsx', OURS], ...[name, data, String(workers), ...step]]);
}

function speedLine({
  name,
  engine,
  workers,
  picturesPerSecond,
  slowest,
  fastest,
  ratio,
  description,
}: SpeedRow): string {
  const range = `(${Math.round(slowest)} .. ${Math.round(fastest)})`;
  return [
    `  ${LOADER_CASES[name]!.what.padEnd(38)} ${engine.padEnd(15)} ${workers}`,
    `${String(Math.round(picturesPerSecond)).padStart(7)}/s ${range.padEnd(20)}`,
    (ratio === undefined ? '' : `x${ratio.toFixed(2)}`).padStart(6),
    ` ${description}`,
  ].join(' ');
}

function waitLine({ name, model, stepMilliseconds, waitPercent, largest }: WaitRow): string {
  const { what, batchSize } = LOADER_CASES[name]!;
  const step = `${model} ${batchSize}, ${stepMilliseconds.toFixed(0)} ms a step`;
  return `  ${what.padEnd(38)} ${step.padEnd(32)} ${waitPercent.toFixed(2).padStart(6)}% (${largest.toFixed(2)}%)`;
}
