import { fileURLToPath } from 'node:url';
import { keepResults, readResults, tableOf } from './results.js';

/** Pictures a second of a loader alone: the median of the rounds, with the slowest and the fastest. */
export interface SpeedRow {
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

/** How long training waits for its batches. */
export interface WaitRow {
  readonly model: string;
  readonly batch: number;
  /** A step while the loader works beside it, the median of the rounds. */
  readonly milliseconds: number;
  /** Share of the time: the median of the rounds, and the largest. */
  readonly percent: number;
  readonly largestPercent: number;
  readonly steps: number;
  readonly description: string;
}

/** The last measurement of a case. */
export interface LoaderMeasurement {
  /** `yyyy-mm-dd` */
  readonly date: string;
  readonly machine: string;
  readonly what: string;
  readonly speeds: readonly SpeedRow[];
  readonly wait?: WaitRow;
}

export type LoaderResults = Readonly<Record<string, LoaderMeasurement>>;

const OURS = '@proj/datasets';
const README = fileURLToPath(new URL('../../packages/datasets/README.md', import.meta.url));

/** Keeps `cases` as the last measurements, and shows all that are kept in the README of `@proj/datasets`. */
export async function saveLoader(cases: LoaderResults): Promise<void> {
  const results = { ...(await readResults<LoaderResults>('loader')), ...cases };
  await keepResults('loader', README, results, loaderTable(results));
}

/** Our speed with 1 and 2 workers, over PyTorch's where it has the case, and how long training waits. */
export function loaderTable(results: LoaderResults): string {
  const header = [
    'pictures',
    '1 worker',
    '2 workers',
    'over PyTorch (1, 2)',
    'training beside 1 worker',
    'waits for data',
  ];
  const notes = new Set<string>();
  const lines = Object.values(results).map(({ date, machine, what, speeds, wait }) => {
    const ours = speeds.filter(({ engine }) => engine === OURS);
    const speed = (workers: number) => ours.find((row) => row.workers === workers)?.picturesPerSecond;
    const least = Math.min(...speeds.map(({ rounds }) => rounds));
    const rivals = speeds
      .filter(({ engine }) => engine !== OURS)
      .map(({ description }) => description.split(', 1 ')[0]);
    const peers = rivals.length === 0 ? '' : `${rivals[0]}; `;
    notes.add(
      `- ${date}: ${machine}; ${peers}${wait ? `${wait.description}; ` : ''}medians of ${least} rounds or more.`,
    );
    return [
      what,
      ...[1, 2].map((workers) => `${Math.round(speed(workers) ?? Number.NaN).toLocaleString('en')}/s`),
      ours.flatMap(({ ratio }) => (ratio === undefined ? [] : [`${ratio.toFixed(2)}x`])).join(', '),
      wait === undefined ? '' : `${wait.model}, batch ${wait.batch}, ${wait.milliseconds.toFixed(0)} ms a step`,
      wait === undefined ? '' : `${wait.percent.toFixed(2)}%`,
    ];
  });
  return `\n${[...tableOf([header, ...lines]), '', ...notes].join('\n')}\n\n`;
}
