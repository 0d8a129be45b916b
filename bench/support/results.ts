import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@proj/core/node';
import type { Row } from './compete.js';

/** What a figure was measured on. */
export const machine = `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;

/** What the repository keeps of a benchmark, by model: its last measurement. */
export interface Results {
  readonly rival: string;
  readonly models: Readonly<Record<string, Measurement>>;
}

interface Measurement {
  /** `yyyy-mm-dd` */
  readonly date: string;
  readonly machine: string;
  readonly rows: readonly Omit<Row, 'model' | 'profile' | 'peakFlops' | 'askingMilliseconds'>[];
}

const OURS = 'onednn';
const README = fileURLToPath(new URL('../../packages/tfjs-backend-onednn/README.md', import.meta.url));

const resultsFile = (benchmark: string) => fileURLToPath(new URL(`../results/${benchmark}.json`, import.meta.url));

/**
 * Keeps `rows` as the last measurement of their models, and shows all that are kept in the backend's README. A model
 * without the rival would be missing there: of that the measurement before stays.
 */
export async function saveResults(benchmark: string, rival: string, rows: readonly Row[]): Promise<void> {
  const before = (await readResults(benchmark))?.models ?? {};
  const date = new Date().toISOString().slice(0, 10);
  const now: Record<string, Measurement> = {};
  for (const name of new Set(rows.map(({ model }) => model))) {
    const ofModel = rows.filter(({ model }) => model === name);
    if (!ofModel.some(({ engine }) => engine === rival)) {
      console.error(`Not kept: ${name}, for which ${rival} did not compete.`);
      continue;
    }
    const kept = ofModel.map(({ model: _, profile: __, peakFlops: ___, askingMilliseconds: ____, ...row }) => row);
    now[name] = { date, machine, rows: kept };
  }
  const results: Results = { rival, models: { ...before, ...now } };
  await keepResults(benchmark, README, results, markdownTable(benchmark, results));
}

/** Keeps what a benchmark measured, and shows `markdown` between its marks in a README. */
export async function keepResults(benchmark: string, path: string, results: unknown, markdown: string): Promise<void> {
  const readme = await readFile(path, 'utf8');
  const mark = `<!-- ${benchmark} -->\n`;
  const shown = readme.replace(mark + blockOf(readme, benchmark), () => mark + markdown);
  await writeFileAtomic(resultsFile(benchmark), `${JSON.stringify(results, null, 2)}\n`);
  await writeFileAtomic(path, shown);
}

/** Undefined where none are kept. */
export async function readResults<T = Results>(benchmark: string): Promise<T | undefined> {
  const file = resultsFile(benchmark);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as T) : undefined;
}

/** What stands in the README between the marks of a benchmark. @throws Error where there are none. */
export function blockOf(readme: string, benchmark: string): string {
  const block = new RegExp(`(?<=<!-- ${benchmark} -->\n).*?(?=<!-- end of ${benchmark} -->)`, 's').exec(readme);
  if (block === null) throw new Error(`The README has no place for ${benchmark}`);
  return block[0];
}

/** What the table of a benchmark shows. */
const TITLES: Readonly<Record<string, string>> = {
  'train-step': 'A training step, beside PyTorch in eager mode:',
  inference: 'From pixels to logits, beside onnxruntime-node with the same weights in float32:',
};

/** Our backend beside the rival at the same precision, or at float32 where it has no other; who measured what on what. */
export function markdownTable(benchmark: string, { rival, models }: Results): string {
  const header = ['model', 'batch', 'precision', OURS, rival, `speed over ${rival}`, 'memory', `memory of ${rival}`];
  const lines: string[][] = [];
  const notes = new Set<string>();
  for (const [model, { date, machine, rows }] of Object.entries(models)) {
    const least = Math.min(...rows.map(({ rounds }) => rounds));
    for (const ours of rows.filter(({ engine }) => engine === OURS)) {
      const rivals = rows.filter(({ engine, batch }) => engine === rival && batch === ours.batch);
      const theirs = rivals.find(({ precision }) => precision === ours.precision) ?? rivals[0];
      if (theirs === undefined) continue;
      const time = ({ milliseconds }: typeof ours) =>
        `${milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds.toPrecision(3)} ms`;
      const memory = (row: typeof ours) => `${(row.peakBytes / 1e6).toFixed(0)} MB`;
      const speed = `${(ours.picturesPerSecond / theirs.picturesPerSecond).toFixed(2)}x`;
      const cells = [model, String(ours.batch), ours.precision, time(ours), time(theirs), speed];
      lines.push([...cells, memory(ours), memory(theirs)]);
      notes.add(
        `- ${date}: ${machine}; ${ours.description}; ${theirs.description}; medians of ${least} rounds or more.`,
      );
    }
  }
  return `\n${[TITLES[benchmark], '', ...tableOf([header, ...lines]), '', ...notes].join('\n')}\n\n`;
}

/** Lines of a Markdown table, of which the first row is the header. */
export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(3, ...rows.map((cells) => cells[i]!.length)));
  const [header, ...others] = rows;
  return [header!, widths.map((width) => '-'.repeat(width)), ...others].map(
    (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`,
  );
}
