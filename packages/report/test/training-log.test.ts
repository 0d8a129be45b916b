import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLog, withValidations } from '../src/index.js';

describe('readLog', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'log-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const read = (...lines: (object | string)[]) => {
    const path = join(dir, 'log.jsonl');
    writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
    return readLog(path);
  };
  const step = (index: number, loss: number) => ({
    type: 'step',
    epoch: 0,
    step: index,
    loss,
    metrics: { exact: loss / 10 },
    learningRate: 0.1,
    examplesSeen: (index + 1) * 32,
  });
  const validation = (stepsDone: number, loss: number) => ({
    type: 'validation',
    step: stepsDone,
    loss,
    metrics: { exact: 1 },
    examplesSeen: stepsDone * 32,
  });

  it('gives back what was logged', async () => {
    const log = await read(
      { type: 'start', stepsPerEpoch: 2 },
      step(0, 4),
      step(1, 3),
      { type: 'epoch', epoch: 0, step: 2, loss: 3.5, metrics: { exact: 0.35 }, learningRate: 0.1 },
      validation(2, 2.5),
      step(2, 2),
      { type: 'end', reason: 'finished', step: 3 },
      '',
    );
    expect(log.steps).toEqual([
      { step: 0, loss: 4, metrics: { exact: 0.4 }, learningRate: 0.1, examplesSeen: 32 },
      { step: 1, loss: 3, metrics: { exact: 0.3 }, learningRate: 0.1, examplesSeen: 64 },
      { step: 2, loss: 2, metrics: { exact: 0.2 }, learningRate: 0.1, examplesSeen: 96 },
    ]);
    expect(log.validations).toEqual([{ step: 2, loss: 2.5, metrics: { exact: 1 }, examplesSeen: 64 }]);
    expect(log.epochs).toEqual([
      {
        epoch: 0,
        step: 2,
        loss: 3.5,
        metrics: { exact: 0.35 },
        learningRate: 0.1,
        validation: { loss: 2.5, metrics: { exact: 1 } },
      },
    ]);
  });

  it('passes over a half-written last line, and one in the middle', async () => {
    const half = JSON.stringify(step(2, 1)).slice(0, 30);
    expect((await read(step(0, 4), step(1, 3), half)).steps.length).toBe(2);
    expect((await read(step(0, 4), half, step(1, 3))).steps.length).toBe(2);
  });

  it('lets a resumed run replace what came after its checkpoint', async () => {
    const resumed = [
      { type: 'start' },
      step(0, 1),
      step(1, 1),
      validation(2, 1),
      step(2, 1),
      validation(3, 1),
      { type: 'epoch', epoch: 0, step: 3, loss: 1, metrics: {}, learningRate: 1 },
      { type: 'start', resumedFrom: { step: 2 } },
      step(2, 9),
      validation(3, 9),
    ];
    const log = await read(...resumed);
    expect(log.steps.map(({ loss }) => loss)).toEqual([1, 1, 9]);
    expect(log.validations.map(({ step, loss }) => [step, loss])).toEqual([
      [2, 1],
      [3, 9],
    ]);
    expect(log.epochs).toEqual([]);
    // Told by the steps alone
    const silent = await read(...resumed.filter(({ type }) => type !== 'start'));
    expect(silent.steps).toEqual(log.steps);
    expect(silent.validations).toEqual(log.validations);
  });

  it('starts over with a run that started over', async () => {
    const log = await read({ type: 'start' }, step(0, 1), step(1, 1), validation(2, 1), { type: 'start' }, step(0, 9));
    expect(log.steps.map(({ loss }) => loss)).toEqual([9]);
    expect(log.validations).toEqual([]);
  });

  it('reads null, as JSON writes NaN, as NaN', async () => {
    const { steps } = await read({ type: 'step', step: 0, loss: null, metrics: { exact: null } });
    expect(steps[0]).toMatchObject({ loss: Number.NaN, metrics: { exact: Number.NaN } });
  });

  it('reads an empty log as an empty one, and says what is no log', async () => {
    expect(await read('')).toEqual({ steps: [], validations: [], epochs: [] });
    await expect(read('hello', 'world')).rejects.toMatchObject({ name: 'ProjError', code: 'invalid-log' });
    await expect(readLog(join(dir, 'none.jsonl'))).rejects.toMatchObject({ name: 'ProjError', code: 'log-unreadable' });
  });
});

describe('withValidations', () => {
  it('joins by the steps done and keeps what is there', () => {
    const epoch = (step: number) => ({ epoch: 0, step, loss: 1, metrics: {}, learningRate: 1 });
    const own = { ...epoch(30), validation: { loss: 7, metrics: {} } };
    const joined = withValidations(
      [epoch(10), epoch(20), own],
      [10, 15, 30].map((step) => ({ step, loss: step, metrics: { exact: 0 } })),
    );
    expect(joined).toEqual([{ ...epoch(10), validation: { loss: 10, metrics: { exact: 0 } } }, epoch(20), own]);
  });
});
