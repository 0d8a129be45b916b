import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProjError } from '@proj/core';
import type { TrainEvent, TrainListener } from './events.js';

/** An event as it stands in a log, with the wall-clock time at which it was written (ISO 8601). */
export type LoggedEvent = TrainEvent & { readonly time: string };

/**
 * A listener that appends each event as one line of JSON. Every line is written at once, and forced to the disk with
 * checkpoints, epochs and the end. A resumed run goes on in the same file: events after the checkpoint it went on from
 * then stand there twice, which {@link readJsonlLog} sorts out. A last line that a killed process left half written is
 * removed. NaN and infinities become null. The file is opened at the first event.
 *
 * @throws ProjError `cannot-write-log`, from `fit`, when the file cannot be written.
 */
export function jsonlLog(path: string): TrainListener {
  let fd: number | undefined;
  const close = () => {
    const open = fd;
    fd = undefined;
    if (open !== undefined) closeSync(open);
  };
  return (event) => {
    try {
      fd ??= openRepaired(path);
      writeAll(fd, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
      if (event.type === 'checkpoint' || event.type === 'epoch' || event.type === 'end') fsyncSync(fd);
      if (event.type === 'end') close();
    } catch (cause) {
      close(); // the next event opens it again and removes what is half written
      throw new ProjError(`Cannot write the log ${path}: ${(cause as Error).message}`, {
        code: 'cannot-write-log',
        fix: 'Check the room on the disk and that the folder may be written to',
        cause,
      });
    }
  };
}

/**
 * The events of a log as one run would have told them: where a run was resumed, what it told after the checkpoint it
 * went on from is left out in favour of what came when it went on. A half-written last line is ignored.
 *
 * @throws ProjError `cannot-read-log` when the file is missing or another line is no JSON.
 */
export async function readJsonlLog(path: string): Promise<LoggedEvent[]> {
  const unreadable = (received: string, cause: unknown) =>
    new ProjError(`Cannot read the log ${path}`, {
      code: 'cannot-read-log',
      expected: 'a file with one event as JSON on each line',
      received,
      cause,
    });
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw unreadable(cause.message, cause);
  });
  let events: LoggedEvent[] = [];
  let from = 0;
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    let event: LoggedEvent;
    try {
      event = JSON.parse(line);
    } catch (cause) {
      throw unreadable(`line ${index + 1}: ${line.slice(0, 80)}`, cause);
    }
    if (event.type === 'start') {
      from = event.resumedFrom?.step ?? 0;
      events = events.filter((earlier) => stepsDone(earlier) <= from);
    }
    // Measured again right after the resume: the run was killed before it had saved the first time.
    if ((event.type === 'validation' || event.type === 'learningRate') && event.step === from) {
      events = events.filter((earlier) => earlier.type !== event.type || stepsDone(earlier) !== from);
    }
    events.push(event);
  }
  return events;
}

/** How many steps had been done when an event was told; none for those that do not say. */
function stepsDone(event: TrainEvent): number {
  if (event.type === 'step') return event.step + 1;
  return 'step' in event ? event.step : 0;
}

function openRepaired(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'a+');
  const { size } = fstatSync(fd);
  const tail = Buffer.alloc(Math.min(size, 1 << 20));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  const end = tail.lastIndexOf('\n') + 1;
  if (end < tail.length) ftruncateSync(fd, size - tail.length + end);
  return fd;
}

function writeAll(fd: number, line: string): void {
  const bytes = Buffer.from(line);
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}
