import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ProjError } from '@proj/core';
import { type Scalar, scalarsRecord, sessionStartRecord, versionRecord } from './event-file.js';

/**
 * What {@link tensorboard} asks of a trainer's event. Of type `step`: `step` (the step's index, from 0), `loss`,
 * `metrics`, `learningRate`, `examplesPerSecond`. Of type `validation`: `step` (the number of steps done), `loss`,
 * `metrics`. Of type `start`: `resumedFrom.step` (steps done before) where a run goes on. `end` closes the file, all
 * other types are passed over.
 */
export interface TrainingEvent {
  readonly type: string;
  readonly step?: number | undefined;
  readonly loss?: number | undefined;
  /** By name; what is not a number is passed over. */
  readonly metrics?: object | undefined;
  readonly learningRate?: number | undefined;
  readonly examplesPerSecond?: number | undefined;
  readonly resumedFrom?: { readonly step: number } | undefined;
}

/** A listener for a trainer's events that holds a file open between the first event and `end` or `close()`. */
export interface TensorBoardListener {
  (event: TrainingEvent): void;
  /** Closes the file. Calling it twice, or going on with events (in a new file), is fine. */
  close(): void;
}

export interface TensorBoardOptions {
  /** Clock for the time stamps, milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Writes events for TensorBoard into `dir`: `train/loss`, `train/<metric>`, `train/learningRate`,
 * `train/examplesPerSecond`, `validation/loss`, `validation/<metric>`, each over the number of steps done. Whatever was
 * told is in the file when the listener returns.
 *
 * Each session writes a file of its own, which TensorBoard merges with the older ones of the folder: from the step on
 * from which a resumed run went on, the new one counts.
 *
 * @throws ProjError `cannot-write-events`, when called with an event, if folder or file cannot be written.
 */
export function tensorboard(dir: string, { now = Date.now }: TensorBoardOptions = {}): TensorBoardListener {
  let file: number | undefined;

  const write = (recordAt: (wallTime: number) => Uint8Array) => {
    const bytes = recordAt(now() / 1000);
    for (let written = 0; written < bytes.length; ) written += writeSync(file!, bytes, written);
  };
  const listen = (event: TrainingEvent) => {
    if (event.type === 'end') {
      close();
      return;
    }
    const stepsDone = stepsDoneAt(event);
    if (stepsDone === undefined) return;
    if (file === undefined) {
      file = openEventFile(dir, Math.floor(now() / 1000));
      write(versionRecord);
      // A run that starts anew replaces whatever older files say.
      const firstTold = event.type !== 'start' ? stepsDone : event.resumedFrom === undefined ? 0 : stepsDone + 1;
      write((wallTime) => sessionStartRecord(wallTime, firstTold));
    }
    const scalars = scalarsOf(event);
    if (scalars.length > 0) write((wallTime) => scalarsRecord(wallTime, stepsDone, scalars));
  };
  const close = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return Object.assign(
    (event: TrainingEvent) => {
      try {
        listen(event);
      } catch (cause) {
        throw new ProjError(`Cannot write TensorBoard events into ${dir}: ${(cause as Error).message}`, {
          code: 'cannot-write-events',
          fix: 'Check the room on the disk and that the folder may be written to',
          cause,
        });
      }
    },
    { close },
  );
}

/** Under which step an event is charted; none for events that are not. */
function stepsDoneAt({ type, step, resumedFrom }: TrainingEvent): number | undefined {
  if (type === 'start') return resumedFrom?.step ?? 0;
  if (type === 'step') return step === undefined ? undefined : step + 1;
  return type === 'validation' ? step : undefined;
}

function scalarsOf({ type, loss, metrics, learningRate, examplesPerSecond }: TrainingEvent): Scalar[] {
  if (type === 'start') return [];
  const group = type === 'step' ? 'train' : 'validation';
  const own = { loss, learningRate, examplesPerSecond };
  const values = Object.entries({ ...own, ...metrics, ...own }); // a metric of such a name does not count
  return values.flatMap(([name, value]) => (typeof value === 'number' ? [{ tag: `${group}/${name}`, value }] : []));
}

/** Makes an event file under the name TensorBoard looks for; they are read in the order of their names. */
function openEventFile(dir: string, seconds: number): number {
  mkdirSync(dir, { recursive: true });
  for (let count = 0; ; count++) {
    const name = `events.out.tfevents.${String(seconds).padStart(10, '0')}.${hostname()}.${process.pid}.${count}`;
    try {
      return openSync(join(dir, name), 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
