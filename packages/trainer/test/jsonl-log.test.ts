import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonlLog, readJsonlLog, type TrainEvent } from '../src/index.js';
import { smallDisk, temporaryFolder } from './temporary-folder.js';

const start = (resumedFrom?: number): TrainEvent => ({
  type: 'start',
  stepsPerEpoch: 5,
  metrics: [],
  resumedFrom: resumedFrom === undefined ? undefined : { path: 'x', step: resumedFrom, epoch: 0 },
});
const step = (index: number, loss: number): TrainEvent => ({
  type: 'step',
  epoch: 0,
  step: index,
  stepInEpoch: index,
  loss,
  smoothedLoss: loss,
  metrics: {},
  learningRate: 0.1,
  examplesPerSecond: 1,
  progress: 0.5,
  elapsedMs: 1,
  remainingMs: 1,
  examplesSeen: 8,
  dataWaitMs: 0,
});
const checkpoint = (steps: number): TrainEvent => ({ type: 'checkpoint', path: 'x', step: steps });
const end: TrainEvent = { type: 'end', reason: 'finished', epoch: 0, step: 4, elapsedMs: 1, examplesSeen: 8 };

async function logTo(path: string, events: readonly TrainEvent[]): Promise<void> {
  const log = jsonlLog(path);
  for (const event of events) await log(event);
}

describe('jsonlLog', () => {
  it('writes each event at once, with its time', async () => {
    const path = join(temporaryFolder(), 'new', 'log.jsonl');
    const log = jsonlLog(path);
    const events = [start(), step(0, 2), step(1, Number.NaN), end];
    for (const [i, event] of events.entries()) {
      await log(event);
      const lines = readFileSync(path, 'utf8').split('\n');
      expect(lines).toHaveLength(i + 2);
      expect(lines.at(-1)).toBe('');
      const { time, ...rest } = JSON.parse(lines[i]!);
      expect(rest).toEqual(JSON.parse(JSON.stringify(event)));
      expect(new Date(time).toISOString()).toBe(time);
    }
  });

  it('goes on in a log whose last line was half written', async () => {
    const path = join(temporaryFolder(), 'log.jsonl');
    await logTo(path, [start(), step(0, 2), checkpoint(1)]);
    appendFileSync(path, '{"time":"2025-01-01T00:00:00.000Z","type":"st');
    expect(await readJsonlLog(path)).toHaveLength(3);
    await logTo(path, [start(1), step(1, 1)]);
    expect((await readJsonlLog(path)).map(({ type }) => type)).toEqual([
      'start',
      'step',
      'checkpoint',
      'start',
      'step',
    ]);
    writeFileSync(path, '{"type":"half');
    await logTo(path, [end]);
    expect(await readJsonlLog(path)).toMatchObject([end]);
  });

  it('reads a resumed run as if it had not been stopped', async () => {
    const path = join(temporaryFolder(), 'log.jsonl');
    await logTo(path, [start(), step(0, 4), step(1, 3), checkpoint(2), step(2, 9), step(3, 9)]);
    await logTo(path, [start(2), step(2, 2), step(3, 1), end]);
    const events = await readJsonlLog(path);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.loss] : []))).toEqual([4, 3, 2, 1]);
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'step',
      'step',
      'checkpoint',
      'start',
      'step',
      'step',
      'end',
    ]);
    await logTo(path, [start(), step(0, 7)]); // anew
    expect((await readJsonlLog(path)).flatMap((event) => (event.type === 'step' ? [event.loss] : []))).toEqual([7]);
  });

  it('goes on where a line was half written because the disk was full', async ({ skip }) => {
    const dir = smallDisk(8);
    if (dir === undefined) skip('this process may not mount a small file system');
    const path = join(dir!, 'log.jsonl');
    writeFileSync(join(dir!, 'other'), Buffer.alloc(4096));
    const log = jsonlLog(path);
    let index = 0;
    const fill = async () => {
      for (;;) await log(step(index++, 1));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'cannot-write-log' });
    expect(readFileSync(path, 'utf8').at(-1)).not.toBe('\n');
    rmSync(join(dir!, 'other'));
    await log(end);
    expect((await readJsonlLog(path)).at(-1)).toMatchObject(end);
  });

  it('reads a validation once that was made again because the run was killed before it was saved', async () => {
    const path = join(temporaryFolder(), 'log.jsonl');
    const measured = (steps: number): TrainEvent[] => [
      { type: 'validation', epoch: 0, step: steps, loss: 1, metrics: {}, elapsedMs: 1, examplesSeen: 8 },
      { type: 'learningRate', epoch: 0, step: steps, from: 1, to: 0.5, reason: 'plateau' },
    ];
    await logTo(path, [start(), step(0, 4), ...measured(1), step(1, 3), checkpoint(2), { ...end, reason: 'aborted' }]);
    await logTo(path, [start(2), ...measured(2)]);
    await logTo(path, [start(2), ...measured(2), step(2, 2)]);
    const steps = (type: string) =>
      readJsonlLog(path).then((events) =>
        events.flatMap((event) => (event.type === type && 'step' in event ? [event.step] : [])),
      );
    expect(await steps('validation')).toEqual([1, 2]);
    expect(await steps('learningRate')).toEqual([1, 2]);
    expect(await steps('step')).toEqual([0, 1, 2]);
  });

  it('says what cannot be read or written', async () => {
    const dir = temporaryFolder();
    const path = join(dir, 'log.jsonl');
    await expect(readJsonlLog(path)).rejects.toMatchObject({ code: 'cannot-read-log' });
    writeFileSync(path, '{}\nnonsense\n{}\n');
    await expect(readJsonlLog(path)).rejects.toMatchObject({ code: 'cannot-read-log', received: 'line 2: nonsense' });
    await expect(logTo(dir, [end])).rejects.toMatchObject({ code: 'cannot-write-log' });
    await expect(logTo(join(path, 'below-a-file'), [end])).rejects.toMatchObject({ code: 'cannot-write-log' });
  });
});
