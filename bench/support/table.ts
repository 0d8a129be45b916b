import { ROUNDS, type Row } from './compete.js';
import { machine, saveResults } from './results.js';

/** The rows of a benchmark: a table that grows as they come, or JSON at the end. */
export class Table {
  private readonly rows: Row[] = [];

  constructor(
    private readonly benchmark: string,
    private readonly options: { readonly json: boolean; readonly profile: boolean; readonly save: boolean },
  ) {}

  add({ profile, askingMilliseconds, ...row }: Row): void {
    const full: Row = {
      ...row,
      ...(this.options.profile && profile !== undefined && { profile }),
      ...(this.options.profile && askingMilliseconds !== undefined && { askingMilliseconds }),
    };
    this.rows.push(full);
    if (!this.options.json) print(full);
  }

  /** @param rival whose pictures a second the ratios are over. */
  async end(rival: string): Promise<void> {
    const { benchmark, rows } = this;
    if (this.options.save) await saveResults(benchmark, rival, rows);
    if (this.options.json) console.log(JSON.stringify({ benchmark, machine, rounds: ROUNDS, rival, rows }));
    else console.log(`\nMedians (fastest .. slowest) of ${ROUNDS} rounds on ${machine}; x: speed over ${rival}`);
  }
}

function print(row: Row): void {
  const cells = [
    `${row.model} ${row.batch}`.padEnd(18),
    row.precision.padEnd(9),
    row.engine.padEnd(14),
    `${short(row.milliseconds)} ms (${short(row.fastest)} .. ${short(row.slowest)})`.padEnd(28),
    `${row.picturesPerSecond.toFixed(1)}/s`.padStart(10),
    (row.ratio === undefined ? '' : `x${row.ratio.toFixed(2)}`).padStart(7),
    `${(row.peakBytes / 1e6).toFixed(0)} MB`.padStart(9),
    ` ${row.description}`,
    ...(row.difference === undefined ? [] : [`, differs by ${row.difference.toExponential(0)}`]),
  ];
  console.log(cells.join(' '));
  const total = row.profile?.reduce((sum, { milliseconds }) => sum + milliseconds, 0) ?? 0;
  for (const { op, calls, milliseconds } of row.profile?.slice(0, 12) ?? []) {
    const share = `${((100 * milliseconds) / total).toFixed(1)}%`.padStart(6);
    const time = (milliseconds / row.calls).toFixed(3).padStart(10);
    console.log(`    ${op.padEnd(28)} ${share} ${time} ms a call, ${calls / row.calls} operations`);
  }
  if (row.askingMilliseconds !== undefined) {
    const time = (row.askingMilliseconds / row.calls).toFixed(3).padStart(10);
    console.log(`    ${'JavaScript, at the same time'.padEnd(28)} ${''.padStart(6)} ${time} ms a call`);
  }
}

/** Three digits, or all before the point. */
function short(milliseconds: number): string {
  return milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds.toPrecision(3);
}
