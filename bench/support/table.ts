import { MIN_ROUNDS, type Row } from './compete.js';
import { machine, saveResults } from './results.js';

/** The rows of a benchmark: a table that grows as they come, or JSON at the end. */
export class Table {
  private readonly rows: Row[] = [];

  constructor(
    private readonly benchmark: string,
    private readonly options: { readonly json: boolean; readonly profile: boolean; readonly save: boolean },
  ) {}

  add(row: Row): void {
    const { profile: _, peakFlops: __, askingMilliseconds: ___, ...plain } = row;
    const full: Row = this.options.profile ? row : plain;
    this.rows.push(full);
    if (!this.options.json) print(full);
  }

  /** @param rival whose pictures a second the ratios are over. */
  async end(rival: string): Promise<void> {
    const { benchmark, rows } = this;
    if (this.options.save) await saveResults(benchmark, rival, rows);
    if (this.options.json) console.log(JSON.stringify({ benchmark, machine, rival, rows }));
    else
      console.log(
        `\nMedians (fastest .. slowest) of at least ${MIN_ROUNDS} rounds on ${machine}; x: speed over ${rival}`,
      );
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
  for (const { op, calls, milliseconds, flops } of row.profile?.slice(0, 12) ?? []) {
    const share = `${((100 * milliseconds) / total).toFixed(1)}%`.padStart(6);
    const time = (milliseconds / row.calls).toFixed(3).padStart(10);
    const rate = (1000 * flops) / milliseconds;
    const ofPeak = row.peakFlops === undefined ? '' : `, ${((100 * rate) / row.peakFlops).toFixed(0)}% of the peak`;
    const speed = flops === 0 ? '' : `, ${(rate / 1e9).toFixed(1)} GFLOP/s${ofPeak}`;
    console.log(`    ${op.padEnd(28)} ${share} ${time} ms a call, ${calls / row.calls} operations${speed}`);
  }
  if (row.peakFlops !== undefined) {
    console.log(`    peak: ${(row.peakFlops / 1e9).toFixed(1)} GFLOP/s, the fastest product of two 1024x1024 matrices`);
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
