import { confusionTable } from './confusions.js';
import { codeSpan, markdownTable, plainText } from './markdown.js';
import { isShare, nameInWords } from './naming.js';
import type { Run, Setting } from './run.js';
import { thin } from './thin.js';
import type { EpochRecord, Metrics, TrainingLog } from './training-log.js';

/** Rows of the trend that a reader can still take in. */
const trendRows = 20;

/**
 * The page `report.md`. Every figure in it is one of the run's, rounded.
 *
 * @param figures which figures lie beside the page: `curves`, `predictions`.
 */
export function reportPage(run: Run & { readonly title: string }, figures: readonly string[]): string {
  const sections = [
    `# ${plainText(run.title)}`,
    section('Result', resultTable(run)),
    figures.includes('curves') && section('Learning curves', '![Loss, metrics and learning rate](curves.png)'),
    section('Trend', trend(run)),
    figures.includes('predictions') && section('Predictions', '![Pictures and what was read](predictions.png)'),
    run.confusions !== undefined && section('Most confused characters', confusionTable(run.confusions)),
    section('Settings', markdownTable(['Setting', 'Value'], [...flatten(run.settings)].map(settingRow))),
    section('Environment', environment(run)),
  ];
  return `${sections.filter((part) => part !== false && part !== '').join('\n\n')}\n`;
}

function section(heading: string, body: string): string {
  return body === '' ? '' : `## ${heading}\n\n${body.trimEnd()}`;
}

function resultTable({ final, original }: Run): string {
  const rows = Object.entries(final).map(([name, value]) => {
    const theirs = original?.final[name];
    return [
      plainText(nameInWords(name)),
      formatMeasure(name, value),
      ...(original === undefined
        ? []
        : theirs === undefined
          ? ['', '']
          : [formatMeasure(name, theirs), difference(name, value, theirs)]),
    ];
  });
  const header = ['Measure', 'This run', ...(original === undefined ? [] : ['Original report', 'Difference'])];
  const source = original === undefined ? '' : `\nOriginal report: ${plainText(original.source)}\n`;
  return `${markdownTable(header, rows, ['left', 'right', 'right', 'right'])}${source}`;
}

function difference(name: string, ours: number, theirs: number): string {
  const sign = ours < theirs ? '-' : '+';
  const size = Math.abs(ours - theirs);
  return isShare(name, [ours, theirs]) ? `${sign}${(100 * size).toFixed(2)} points` : `${sign}${formatNumber(size)}`;
}

/** Loss, metrics and learning rate by epoch, or by validation where the run has fewer than two epochs. */
function trend({ epochs, log }: Run): string {
  const byEpoch = epochs.length > 1 || log === undefined || log.validations.length <= epochs.length;
  const rows = byEpoch ? epochs : validationRows(log);
  if (rows.length === 0) return '';
  const metrics = [...new Set(rows.flatMap((row) => Object.keys({ ...row.metrics, ...row.validation?.metrics })))];
  const validated = rows.some(({ validation }) => validation !== undefined);
  const shown = thin(rows, trendRows);
  const names = ['loss', ...metrics];
  const share = Object.fromEntries(
    names.map((name) => [
      name,
      isShare(
        name,
        rows.flatMap((row) => [measure(row, name), measure(row.validation, name)]),
      ),
    ]),
  );
  const cell = (from: Measured | undefined, name: string) => {
    const value = measure(from, name);
    if (Number.isNaN(value)) return '';
    return share[name] ? formatShare(value) : formatNumber(value);
  };
  const header = [
    ...(byEpoch ? ['Epoch'] : []),
    'Steps',
    ...names.map((name) => plainText(nameInWords(name))),
    ...(validated ? names.map((name) => `Validation ${plainText(nameInWords(name).toLowerCase())}`) : []),
    'Learning rate',
  ];
  const table = markdownTable(
    header,
    shown.map((row) => [
      ...(byEpoch ? [String(row.epoch + 1)] : []),
      formatNumber(row.step),
      ...names.map((name) => cell(row, name)),
      ...(validated ? names.map((name) => cell(row.validation, name)) : []),
      formatNumber(row.learningRate),
    ]),
    header.map(() => 'right'),
  );
  const left = shown.length < rows.length ? `\n${shown.length} of ${rows.length} rows.\n` : '';
  return `${table}${left}`;
}

interface Measured {
  readonly loss: number;
  readonly metrics: Metrics;
}

function measure(from: Measured | undefined, name: string): number {
  return (name === 'loss' ? from?.loss : from?.metrics[name]) ?? Number.NaN;
}

/** A row for each validation: the mean training loss since the one before, metrics and rate of the last step by then. */
function validationRows({ steps, validations }: TrainingLog): EpochRecord[] {
  let next = 0;
  return validations.map(({ step, loss, metrics }) => {
    const from = next;
    while (next < steps.length && steps[next]!.step < step) next += 1;
    const since = steps.slice(from, next);
    const last = steps[next - 1];
    return {
      epoch: 0,
      step,
      loss: since.reduce((sum, point) => sum + point.loss, 0) / since.length,
      metrics: last?.metrics ?? {},
      learningRate: last?.learningRate ?? Number.NaN,
      validation: { loss, metrics },
    };
  });
}

function environment({ machine, backend, precision, seed, commit, seconds }: Run): string {
  return markdownTable(
    ['', ''],
    [
      ['Processor', `${plainText(machine.cpu)}, ${machine.cores} cores`],
      ['Memory', `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
      ['System', plainText(machine.os)],
      ['Node', plainText(machine.node)],
      ['Backend', plainText(backend)],
      ['Precision', plainText(precision)],
      ['Seed', plainText(String(seed))],
      ['Commit', commit === null ? 'unknown' : codeSpan(commit)],
      ['Time', formatDuration(seconds)],
    ],
  );
}

/** Nested settings as `optimizer.weightDecay`. */
function* flatten(settings: { readonly [name: string]: Setting }, prefix = ''): Generator<[string, Setting]> {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      yield* flatten(value as { readonly [name: string]: Setting }, `${prefix}${name}.`);
    } else {
      yield [prefix + name, value];
    }
  }
}

function settingRow([name, value]: [string, Setting]): string[] {
  return [codeSpan(name), plainText(typeof value === 'string' ? value : JSON.stringify(value))];
}

function formatMeasure(name: string, value: number): string {
  return isShare(name, [value]) ? formatShare(value) : formatNumber(value);
}

function formatShare(value: number): string {
  return `${(100 * value).toFixed(2)}%`;
}

/** Whole numbers with a comma each three digits, others with four significant digits. */
function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return 'not finite';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}

function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${seconds.toFixed(1)} s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min ${whole % 60} s` : `${hours} h ${minutes % 60} min`;
}
