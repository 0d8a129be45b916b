import { ProjError } from '@proj/core';
import type { Confusion } from './confusions.js';
import type { MachineInfo } from './machine.js';
import type { Prediction } from './prediction-sheet.js';
import { type EpochRecord, type Metrics, type TrainingLog, withValidations } from './training-log.js';

/** A setting of a run: plain JSON. */
export type Setting = string | number | boolean | null | readonly Setting[] | { readonly [name: string]: Setting };

/** What `report.json` holds: these keys, in this order. */
export interface RunRecord {
  /** Name of the experiment, such as `quickstart`. */
  readonly experiment: string;
  readonly model: string;
  readonly seed: number | string;
  /** Commit of the code; `null` where it is not known. */
  readonly commit: string | null;
  readonly machine: MachineInfo;
  readonly backend: string;
  readonly precision: string;
  readonly settings: { readonly [name: string]: Setting };
  /** Wall-clock time of the run. */
  readonly seconds: number;
  readonly epochs: readonly EpochRecord[];
  /** What was measured at the end, on data not trained on. */
  readonly final: Metrics;
}

/** A run to report: its record, and what the pages and figures beside `report.json` show. */
export interface Run extends RunRecord {
  /** Heading of the report; default: experiment and model. */
  readonly title?: string | undefined;
  /** For the learning curves, and for the trend where there are fewer than two epochs. */
  readonly log?: TrainingLog | undefined;
  /** For the sheet of predictions. */
  readonly predictions?: readonly Prediction[] | undefined;
  /** For the table of confused characters. */
  readonly confusions?: readonly Confusion[] | undefined;
  /** The figures of the report this run reproduces, under the names that `final` uses. */
  readonly original?: { readonly source: string; readonly final: Metrics } | undefined;
}

const checks: { readonly [K in keyof RunRecord]: (value: unknown) => boolean } = {
  experiment: isText,
  model: isText,
  seed: (value) => isText(value) || Number.isFinite(value),
  commit: (value) => value === null || isText(value),
  machine: isObject,
  backend: isText,
  precision: isText,
  settings: isObject,
  seconds: (value) => Number.isFinite(value),
  epochs: Array.isArray,
  final: (value) => isObject(value) && Object.values(value).every((metric) => typeof metric === 'number'),
};

/**
 * The part of a run that `report.json` holds. Epochs get the validation that the log has for them.
 *
 * @throws ProjError `invalid-run` when a key is missing or of the wrong kind.
 */
export function recordOf(run: Run): RunRecord {
  const entries = Object.entries(checks).map(([key, holds]) => {
    const value = run[key as keyof RunRecord];
    if (!holds(value)) {
      throw new ProjError(`Cannot report a run without a valid \`${key}\``, {
        code: 'invalid-run',
        expected: `the keys ${Object.keys(checks).join(', ')}`,
        received: `${key}: ${JSON.stringify(value) ?? String(value)}`,
      });
    }
    return [key, key === 'epochs' ? withValidations(run.epochs, run.log?.validations ?? []) : value];
  });
  return Object.fromEntries(entries) as RunRecord;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
