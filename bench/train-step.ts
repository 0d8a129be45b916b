import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { BenchmarkOptions } from './main.js';
import { Contestant, type Ended } from './support/contestant.js';
import { CASES } from './support/models.js';

const ROUNDS = 7;
const PRECISIONS = ['float32', 'bfloat16'] as const;
const LAYOUTS = ['channels-last', 'contiguous'] as const;
const PYTHON = process.env.PYTHON ?? 'python3';

/** Of tfjs's own JS backend, which would take a minute for the others' batch. */
const CPU_BATCH = 8;

interface Entry {
  readonly engine: string;
  readonly batch: number;
  start(): Contestant;
}

/** One row of the table: a contestant's median over the rounds. */
interface Row {
  readonly model: string;
  readonly batch: number;
  readonly precision: string;
  readonly engine: string;
  readonly description: string;
  readonly milliseconds: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly picturesPerSecond: number;
  readonly peakBytes: number;
  /** Pictures a second over those of PyTorch in eager mode. */
  readonly ratio?: number;
  readonly profile?: Ended['profile'];
}

/**
 * A whole training step (forward, loss, gradients, SGD with momentum) of our native backend and of PyTorch, with tfjs's
 * own backends where a step of theirs ends in reasonable time. Each contestant is a process of its own that uses all cores;
 * they take turns, step by step, so that what else the machine does meets all alike. Of PyTorch's memory layouts the
 * faster one competes. `PYTHON` names the interpreter that has PyTorch.
 */
export default async function benchmark({ json, profile, only, compile }: BenchmarkOptions): Promise<void> {
  const rows: Row[] = [];
  for (const [model, { batches, small }] of Object.entries(CASES)) {
    if (only !== undefined && only !== model) continue;
    for (const batch of batches) {
      for (const precision of PRECISIONS) {
        const entries = [ours(model, batch, precision, 'onednn')];
        const layout = await fasterLayout(model, batch, precision);
        if (layout !== undefined) entries.push(torch(model, batch, precision, layout, 'eager'));
        if (layout !== undefined && compile) entries.push(torch(model, batch, precision, layout, 'compiled'));
        if (small && precision === 'float32') {
          entries.push(ours(model, batch, precision, 'wasm'), ours(model, CPU_BATCH, precision, 'cpu'));
        }
        const measured = await compete(entries);
        const rival = measured.find(({ engine }) => engine === 'PyTorch');
        for (const { profile: shares, ...result } of measured) {
          const row: Row = {
            model,
            precision,
            ...result,
            ...(rival !== undefined && { ratio: result.picturesPerSecond / rival.picturesPerSecond }),
            ...(profile && shares !== undefined && { profile: shares }),
          };
          rows.push(row);
          if (!json) print(row);
        }
      }
    }
  }
  const machine = `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
  if (json) console.log(JSON.stringify({ benchmark: 'train-step', machine, rounds: ROUNDS, rows }));
  else console.log(`\nMedians of ${ROUNDS} rounds on ${machine}`);
}

function ours(model: string, batch: number, precision: string, backend: string): Entry {
  const program = fileURLToPath(new URL('contestants/tfjs-train-step.ts', import.meta.url));
  const args = ['--import', 'tsx', program, model, String(batch), precision, backend];
  return { engine: backend, batch, start: () => new Contestant(process.execPath, args) };
}

function torch(model: string, batch: number, precision: string, layout: string, mode: string): Entry {
  const program = fileURLToPath(new URL('contestants/torch_train_step.py', import.meta.url));
  const args = [program, model, String(batch), precision, layout, mode];
  return { engine: mode === 'eager' ? 'PyTorch' : 'torch.compile', batch, start: () => new Contestant(PYTHON, args) };
}

/** Undefined, with a line that says why, where PyTorch cannot compete. */
async function fasterLayout(model: string, batch: number, precision: string): Promise<string | undefined> {
  const times: { layout: string; milliseconds: number }[] = [];
  for (const layout of LAYOUTS) {
    const contestant = torch(model, batch, precision, layout, 'eager').start();
    try {
      await contestant.ready();
      const runs = [await contestant.run(), await contestant.run(), await contestant.run()];
      times.push({ layout, milliseconds: Math.min(...runs) });
      await contestant.end();
    } catch (error) {
      console.error(`No PyTorch beside (PYTHON=${PYTHON}): ${(error as Error).message}`);
      return undefined;
    } finally {
      contestant.kill();
    }
  }
  return times.sort((a, b) => a.milliseconds - b.milliseconds)[0]!.layout;
}

type Measured = Omit<Row, 'model' | 'precision' | 'ratio'>;

async function compete(entries: readonly Entry[]): Promise<Measured[]> {
  const competing: (Entry & { contestant: Contestant; description: string; times: number[] })[] = [];
  try {
    for (const entry of entries) {
      const contestant = entry.start();
      try {
        competing.push({ ...entry, contestant, description: await contestant.ready(), times: [] });
      } catch (error) {
        console.error(`${entry.engine} does not compete: ${(error as Error).message}`);
        contestant.kill();
      }
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const { contestant, times } of competing) times.push(await contestant.run());
    }
    const measured: Measured[] = [];
    for (const { engine, batch, contestant, description, times } of competing) {
      const sorted = times.sort((a, b) => a - b);
      const milliseconds = sorted[Math.floor(sorted.length / 2)]!;
      measured.push({
        engine,
        batch,
        description,
        milliseconds,
        picturesPerSecond: (1000 * batch) / milliseconds,
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

function print(row: Row): void {
  const cells = [
    `${row.model} ${row.batch}`.padEnd(18),
    row.precision.padEnd(9),
    row.engine.padEnd(14),
    `${row.milliseconds.toFixed(0)} ms (${row.fastest.toFixed(0)} .. ${row.slowest.toFixed(0)})`.padEnd(28),
    `${row.picturesPerSecond.toFixed(1)}/s`.padStart(10),
    (row.ratio === undefined ? '' : `x${row.ratio.toFixed(2)}`).padStart(7),
    `${(row.peakBytes / 1e6).toFixed(0)} MB`.padStart(9),
    ` ${row.description}`,
  ];
  console.log(cells.join(' '));
  const total = row.profile?.reduce((sum, { milliseconds }) => sum + milliseconds, 0) ?? 0;
  for (const { op, calls, milliseconds } of row.profile?.slice(0, 12) ?? []) {
    const share = `${((100 * milliseconds) / total).toFixed(1)}%`;
    console.log(
      `    ${op.padEnd(28)} ${share.padStart(6)} ${(milliseconds / ROUNDS).toFixed(1).padStart(9)} ms a step, ${calls / ROUNDS} calls`,
    );
  }
}
