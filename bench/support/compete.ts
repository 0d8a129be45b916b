import { setTimeout } from 'node:timers/promises';
import type { Contestant, Ended } from './contestant.js';

export const MIN_ROUNDS = 7;
const MAX_ROUNDS = 51;

/** Before each turn: threads of the contestant before may go on spinning for a while, in wait of more work. */
const PAUSE_MILLISECONDS = 250;

/** Who competes, and at what. */
export interface Entry {
  readonly engine: string;
  readonly precision: string;
  readonly batch: number;
  start(): Contestant;
}

/** A contestant's median over the rounds. */
export interface Measured extends Omit<Entry, 'start'>, Ended {
  readonly description: string;
  readonly rounds: number;
  readonly milliseconds: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly picturesPerSecond: number;
}

/** A row of the table of a benchmark whose contestants compute with models. */
export interface Row extends Measured {
  readonly model: string;
  /** Pictures a second over those of the rival that the benchmark names. */
  readonly ratio?: number;
  /** Greatest difference of its outputs from the rival's, over the greatest output. */
  readonly difference?: number;
}

/** An entry whose process is ready. */
export interface Competing extends Entry {
  readonly contestant: Contestant;
  readonly description: string;
}

interface Rules {
  /** How long a round of each contestant takes at least; short calls are repeated (default: one call). */
  readonly roundMilliseconds?: number;
  /**
   * There are {@link MIN_ROUNDS} at least, and more while they take less than this altogether: the median of many holds on a
   * busy machine. Default 45,000.
   */
  readonly milliseconds?: number;
  /** Sees the contestants before they compete; where it throws they do not. */
  admit?(competing: readonly Competing[]): Promise<void>;
}

/**
 * Starts all contestants, each a process of its own that may use all cores, and lets them take turns, so that what else the
 * machine does meets all alike. Who does not start is left out, with a line that says why.
 */
export async function compete(
  entries: readonly Entry[],
  { roundMilliseconds = 0, milliseconds = 45_000, admit }: Rules = {},
): Promise<Measured[]> {
  const competing: Competing[] = [];
  try {
    for (const entry of entries) {
      const contestant = entry.start();
      try {
        competing.push({ ...entry, contestant, description: await contestant.ready() });
      } catch (error) {
        console.error(`${entry.engine} (${entry.precision}) does not compete: ${(error as Error).message}`);
        contestant.kill();
      }
    }
    await admit?.(competing);

    const running = [];
    for (const competitor of competing) {
      const calls = Math.max(1, Math.ceil(roundMilliseconds / (await competitor.contestant.run())));
      running.push({ ...competitor, calls, times: [] as number[] });
    }
    const start = performance.now();
    const isEnough = (rounds: number) =>
      rounds >= MAX_ROUNDS || (rounds >= MIN_ROUNDS && performance.now() - start > milliseconds);
    for (let rounds = 0; !isEnough(rounds); rounds++) {
      for (const { contestant, calls, times } of running) {
        await setTimeout(PAUSE_MILLISECONDS);
        times.push(await contestant.run(calls));
      }
    }

    const measured: Measured[] = [];
    for (const { engine, precision, batch, contestant, description, times } of running) {
      const sorted = times.sort((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)]!;
      measured.push({
        engine,
        precision,
        batch,
        description,
        rounds: times.length,
        milliseconds: median,
        picturesPerSecond: (1000 * batch) / median,
        fastest: sorted[0]!,
        slowest: sorted.at(-1)!,
        ...(await contestant.end()),
      });
    }
    return measured;
  } finally {
    for (const { contestant } of competing) contestant.kill();
  }
}
