import { readFile } from 'node:fs/promises';
import { ProjError } from '@proj/core';

/** Metrics by name. */
export type Metrics = Readonly<Record<string, number>>;

/** One training step: `step` is its index, from 0. */
export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Metrics;
  readonly learningRate?: number | undefined;
  /** Examples trained on by the end of this step. */
  readonly examplesSeen?: number | undefined;
}

/** One measurement on validation data: `step` is the number of steps done by then. */
export interface ValidationPoint {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Metrics;
  readonly examplesSeen?: number | undefined;
}

/** One epoch: means over its training steps, and the validation at its end where there was one. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  /** Steps done by its end. */
  readonly step: number;
  readonly loss: number;
  readonly metrics: Metrics;
  /** That of its last step. */
  readonly learningRate: number;
  readonly validation?: { readonly loss: number; readonly metrics: Metrics } | undefined;
}

/** What a training run measured, each list in the order in which it happened. */
export interface TrainingLog {
  readonly steps: readonly StepPoint[];
  readonly validations: readonly ValidationPoint[];
  readonly epochs?: readonly EpochRecord[] | undefined;
}

/**
 * Reads the log that a trainer wrote, one JSON event a line (JSON Lines), back.
 *
 * Taken are events of the types `step`, `validation` and `epoch`; others, and a line that is not whole (a killed process
 * leaves one), are passed over. Where a run was resumed, what it had logged after the checkpoint it went on from gives
 * way to what it logged then. Numbers that JSON cannot hold (`null`) come back as NaN.
 *
 * @throws ProjError `log-unreadable` when the file cannot be read, `invalid-log` when it has lines but none is an event.
 */
export async function readLog(path: string): Promise<Required<TrainingLog>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ProjError(`Cannot read the log ${path}`, {
      code: 'log-unreadable',
      expected: 'a file of one JSON event a line',
      received: cause instanceof Error ? cause.message : String(cause),
      fix: 'Check the path; a run writes its log from the first step on',
      cause,
    });
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const events = lines.map(parseEvent).filter((event) => event !== undefined);
  if (lines.length > 0 && events.length === 0) {
    throw new ProjError(`Cannot read the log ${path}`, {
      code: 'invalid-log',
      expected: 'lines like {"type":"step","step":0,"loss":1.5,"metrics":{}}',
      received: `${lines.length} line(s), the first one: ${lines[0]?.slice(0, 80)}`,
      fix: 'Give the log of a training run',
    });
  }
  return collect(events);
}

/**
 * Puts to each epoch the validation made at its end, where it has none yet.
 *
 * @param epochs such as `fit` gives them in its history, without validation.
 */
export function withValidations(
  epochs: readonly EpochRecord[],
  validations: readonly ValidationPoint[],
): readonly EpochRecord[] {
  const byStep = new Map(validations.map(({ step, loss, metrics }) => [step, { loss, metrics }]));
  return epochs.map((epoch) => {
    const validation = byStep.get(epoch.step);
    return validation === undefined || epoch.validation !== undefined ? epoch : { ...epoch, validation };
  });
}

type Fields = Readonly<Record<string, unknown>>;

function collect(events: readonly Fields[]): Required<TrainingLog> {
  const steps: StepPoint[] = [];
  const validations: ValidationPoint[] = [];
  const epochs: EpochRecord[] = [];
  /** Back to where `stepsDone` steps were done. */
  const rewind = (stepsDone: number) => {
    while (steps.length > 0 && steps.at(-1)!.step >= stepsDone) steps.pop();
    for (const list of [validations, epochs]) while (list.length > 0 && list.at(-1)!.step > stepsDone) list.pop();
  };

  for (const event of events) {
    if (event.type === 'start') {
      const { resumedFrom } = event;
      rewind(isObject(resumedFrom) ? (numberOf(resumedFrom.step) ?? 0) : 0);
      continue;
    }
    const step = numberOf(event.step);
    if (step === undefined) continue;
    const point = { step, loss: numberOf(event.loss) ?? Number.NaN, metrics: metricsOf(event.metrics) };
    const learningRate = numberOf(event.learningRate);
    const examplesSeen = numberOf(event.examplesSeen);
    if (event.type === 'step') {
      rewind(step);
      steps.push({ ...point, learningRate, examplesSeen });
    } else if (event.type === 'validation') {
      if (validations.at(-1)?.step === step) validations.pop();
      validations.push({ ...point, examplesSeen });
    } else if (event.type === 'epoch') {
      if (epochs.at(-1)?.step === step) epochs.pop();
      const epoch = numberOf(event.epoch) ?? epochs.length;
      epochs.push({ epoch, ...point, learningRate: learningRate ?? Number.NaN });
    }
  }
  return { steps, validations, epochs: withValidations(epochs, validations) };
}

function parseEvent(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) && typeof value.type === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function metricsOf(value: unknown): Metrics {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, metric]) => [name, numberOf(metric) ?? Number.NaN]));
}
