import type { EndEvent, StepEvent, TrainEvent, TrainListener } from './events.js';

export interface ConsoleProgressOptions {
  /** Where to write, default `process.stderr`. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Milliseconds between two redraws of the bar (default 100) or two lines where there is no terminal (10,000). */
  readonly intervalMs?: number | undefined;
  /** How metrics are shown; default: the metric's name, and a percentage for values in 0..1. */
  readonly metrics?: Readonly<Record<string, { readonly label?: string; readonly format?: (value: number) => string }>>;
  /** What an example is called in the rate, default `pictures`. */
  readonly examples?: string | undefined;
  /** Whether the bar may be drawn with block characters; default: whether the terminal has them. */
  readonly unicode?: boolean | undefined;
}

/**
 * A listener that shows progress: in a terminal one line with a bar, redrawn in place and cut to the terminal's width
 * by leaving out what matters least; elsewhere (a file, CI) a plain line every ten seconds. Validations, changes of the
 * learning rate, warnings and the end get lines of their own.
 */
export function consoleProgress(options: ConsoleProgressOptions = {}): TrainListener {
  const { stream = process.stderr, examples = 'pictures', unicode = isUnicodeTerminal() } = options;
  const isTerminal = stream.isTTY === true;
  const { intervalMs = isTerminal ? 100 : 10_000 } = options;
  let epochs: number | undefined;
  let stepsPerEpoch = 1;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let last: StepEvent | undefined;

  const figures = (values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([name, value]) => {
      const { label = name, format = formatMetric } = options.metrics?.[name] ?? {};
      return `${label} ${format(value)}`;
    });
  const writeLine = (text: string) => stream.write(isTerminal ? `\r\x1b[K${text}\n` : `${text}\n`);
  const draw = (event: StepEvent) => {
    drawnAt = event.elapsedMs;
    last = undefined;
    // From what matters most to what matters least; what does not fit is left out from the end.
    const parts = [
      `loss ${event.smoothedLoss.toFixed(4)}`,
      ...figures(event.metrics),
      `${formatDuration(event.remainingMs)} left`,
      `lr ${formatRate(event.learningRate)}`,
      `${Math.round(event.examplesPerSecond)} ${examples}/s`,
      epochs === undefined ? `step ${event.step + 1}` : `epoch ${event.epoch + 1}/${epochs}`,
    ];
    if (!isTerminal) {
      writeLine([`step ${event.step + 1} (${Math.floor(100 * event.progress)}%)`, ...parts.slice(0, -1)].join(', '));
      return;
    }
    stream.write(`\r${fitLine(event.progress, parts, (stream.columns || 80) - 1, unicode)}\x1b[K`);
  };

  return (event: TrainEvent) => {
    switch (event.type) {
      case 'start': {
        ({ epochs, stepsPerEpoch } = event);
        drawnAt = Number.NEGATIVE_INFINITY;
        last = undefined;
        const { resumedFrom } = event;
        if (resumedFrom) writeLine(`Going on after ${resumedFrom.step} steps, from ${resumedFrom.path}`);
        return;
      }
      case 'step':
        last = event;
        if (event.elapsedMs - drawnAt >= intervalMs) draw(event);
        return;
      case 'validation': {
        const shown = [`loss ${event.loss.toFixed(4)}`, ...figures(event.metrics)].join(', ');
        return void writeLine(`Validation ${formatPosition(event, stepsPerEpoch)}: ${shown}`);
      }
      case 'learningRate':
        return void writeLine(`Learning rate ${formatRate(event.from)} -> ${formatRate(event.to)}: ${event.reason}`);
      case 'warning':
        return void writeLine(`Warning: ${event.message}`);
      case 'end':
        if (last !== undefined) draw(last);
        if (isTerminal) stream.write('\n');
        return void writeLine(describeEnd(event));
      default:
        return;
    }
  };
}

/** Percentage, bar and as many parts as fit into `width` characters; the bar takes what is left, at least 10. */
function fitLine(progress: number, parts: readonly string[], width: number, unicode: boolean): string {
  const percent = `${String(Math.floor(100 * progress)).padStart(3)}%`;
  let shown = [...parts];
  const lengthWith = (list: readonly string[], bar: number) =>
    [percent, ' '.repeat(bar), ...list].filter((part) => part !== '').join('  ').length;
  while (shown.length > 1 && lengthWith(shown, 10) > width) shown = shown.slice(0, -1);
  const barWidth = Math.min(30, width - lengthWith(shown, 0) - 2);
  const bar = barWidth < 10 ? '' : drawBar(progress, barWidth, unicode);
  return [percent, bar, ...shown]
    .filter((part) => part !== '')
    .join('  ')
    .slice(0, Math.max(0, width));
}

function drawBar(progress: number, width: number, unicode: boolean): string {
  const filled = Math.round(progress * width);
  return (unicode ? '█' : '#').repeat(filled) + (unicode ? '░' : '.').repeat(width - filled);
}

function describeEnd({ reason, step, elapsedMs, signal, error }: EndEvent): string {
  const after = `after ${step} steps and ${formatDuration(elapsedMs)}`;
  switch (reason) {
    case 'finished':
      return `Finished ${after}`;
    case 'time':
      return `Time is over ${after}`;
    case 'aborted':
      return `Stopped ${after}`;
    case 'signal':
      return `Stopped by ${signal} ${after}`;
    case 'failed':
      return `Failed ${after}: ${error?.message}`;
  }
}

function formatPosition({ epoch, step }: { epoch: number; step: number }, stepsPerEpoch: number): string {
  return step === (epoch + 1) * stepsPerEpoch ? `after epoch ${epoch + 1}` : `after step ${step}`;
}

function formatMetric(value: number): string {
  return value >= 0 && value <= 1 ? `${(100 * value).toFixed(1)}%` : value.toPrecision(4);
}

function formatRate(rate: number): string {
  return rate === 0 || (rate >= 1e-3 && rate < 1000) ? String(Number(rate.toPrecision(3))) : rate.toExponential(1);
}

/** `45s`, `3:05` or `2:03:05`. */
function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '?';
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** All but the Linux console and the old Windows one, as the npm package is-unicode-supported tells. */
function isUnicodeTerminal(): boolean {
  const { TERM, WT_SESSION, TERM_PROGRAM } = process.env;
  return process.platform === 'win32' ? Boolean(WT_SESSION || TERM_PROGRAM) : TERM !== 'linux';
}
