import { readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adam, type Optimizer, sgd } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type FitOptions, fit, restoreModel, softmaxCrossEntropyPerPosition, type TrainEvent } from '../src/index.js';
import { eventsOf, halvesLoader, positionAccuracy, recorder, smallModel } from './fixtures.js';
import { readOnlyFolder, smallDisk, temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is slow with TensorFlow.js's plain backend

beforeAll(() => tf.setBackend('cpu'));

type Architecture = Parameters<typeof smallModel>[0];

/** One session with a fresh model, optimizer and schedule, as in a new process. */
async function session(options: Partial<FitOptions> & { architecture?: Architecture }) {
  const { architecture, ...rest } = options;
  const { events, listener } = recorder();
  const model = smallModel(architecture);
  const full: FitOptions = {
    model,
    optimizer: adam(),
    loss: softmaxCrossEntropyPerPosition,
    schedule: (step) => 0.02 / (1 + step),
    train: halvesLoader(),
    metrics: { accuracy: positionAccuracy },
    onEvent: listener,
    ...rest,
  };
  const result = await fit(full);
  return { result, events, model };
}

/** What of the events does not depend on the clock. */
function timeless(events: readonly TrainEvent[]): object[] {
  return events
    .filter(({ type }) => type === 'step' || type === 'epoch' || type === 'validation' || type === 'learningRate')
    .map((event) => {
      const { elapsedMs, remainingMs, examplesPerSecond, dataWaitMs, progress, ...rest } = event as unknown as Record<
        string,
        unknown
      >;
      return rest;
    });
}

function weightsOf(model: tf.LayersModel): unknown[] {
  return model.weights.map((weight) => [weight.originalName, weight.read().dataSync()]);
}

/** Drops to half the rate at every second observation. */
function fallingSchedule() {
  let observations = 0;
  return {
    value: 0.02,
    observe() {
      observations++;
      if (observations % 2 === 0) this.value /= 2;
    },
  };
}

describe('a resumed run', () => {
  it.each<{ name: string; stop: number; options: () => Partial<FitOptions> & { architecture?: Architecture } }>([
    { name: 'with BatchNorm and Adam, in mid-epoch', stop: 7, options: () => ({}) },
    { name: 'without BatchNorm', stop: 8, options: () => ({ architecture: { batchNorm: false } }) },
    { name: 'at the end of an epoch', stop: 10, options: () => ({}) },
    { name: 'with dropout', stop: 9, options: () => ({ architecture: { dropout: 0.5 }, seed: 5 }) },
    {
      name: 'with Nesterov momentum, penalties and clipping',
      stop: 8,
      options: () => ({
        optimizer: sgd({ momentum: 0.9, nesterov: true }),
        architecture: { l2: 0.01 },
        clipGlobalNorm: 0.5,
      }),
    },
    {
      name: 'with a schedule that observes',
      stop: 13,
      options: () => ({ schedule: fallingSchedule(), validation: halvesLoader({ seed: 2, stepsPerEpoch: 1 }) }),
    },
    {
      name: 'with a validation that the stop kept it from',
      stop: 10,
      options: () => ({ schedule: fallingSchedule(), validation: halvesLoader({ seed: 2, stepsPerEpoch: 1 }) }),
    },
    {
      name: 'with a validation in mid-epoch that the stop kept it from',
      stop: 8,
      options: () => ({
        schedule: fallingSchedule(),
        validation: halvesLoader({ seed: 2, stepsPerEpoch: 1 }),
        validateEvery: { steps: 4 },
      }),
    },
  ])('goes on bit for bit $name', async ({ stop, options }) => {
    const totalSteps = 20;
    const straight = await session({ ...options(), totalSteps });

    const checkpoint = { dir: temporaryFolder() };
    const controller = new AbortController();
    const onEvent = (event: TrainEvent) => {
      firstEvents.push(event);
      if (event.type === 'step' && event.step === stop - 2) controller.abort();
    };
    const firstEvents: TrainEvent[] = [];
    const first = await session({ ...options(), totalSteps, checkpoint, signal: controller.signal, onEvent });
    expect(first.result).toMatchObject({ reason: 'aborted', step: stop });
    const second = await session({ ...options(), totalSteps, checkpoint, resume: true });
    expect(eventsOf(second.events, 'start')[0]!.resumedFrom).toMatchObject({ step: stop, epoch: Math.floor(stop / 5) });

    expect(timeless([...firstEvents, ...second.events])).toEqual(timeless(straight.events));
    expect(weightsOf(second.model)).toEqual(weightsOf(straight.model));
    expect(second.result.history).toEqual(straight.result.history);
    expect(second.result.best).toEqual(straight.result.best);
    expect(second.result.elapsedMs).toBeGreaterThan(first.result.elapsedMs);
  });

  it('that was finished already does nothing, and goes on when it is given more steps', async () => {
    const checkpoint = { dir: temporaryFolder() };
    const first = await session({ totalSteps: 4, checkpoint });
    const again = await session({ totalSteps: 4, checkpoint, resume: true });
    expect(again.events.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(weightsOf(again.model)).toEqual(weightsOf(first.model));
    const more = await session({ totalSteps: 6, checkpoint, resume: true });
    expect(weightsOf(more.model)).toEqual(weightsOf((await session({ totalSteps: 6 })).model));
  });

  it('has figures that are not finite as NaN in its history, as before the stop', async () => {
    const checkpoint = { dir: temporaryFolder() };
    const metrics = { never: { ...positionAccuracy, compute: () => Number.NaN } as typeof positionAccuracy };
    const options = { totalSteps: 5, checkpoint, metrics, validation: halvesLoader({ seed: 2, stepsPerEpoch: 1 }) };
    const first = await session(options);
    const again = await session({ ...options, resume: true });
    expect(first.result.history.epochs[0]!.metrics).toEqual({ never: Number.NaN });
    expect(again.result.history).toEqual(first.result.history);
  });

  it('starts anew in a folder without checkpoints', async () => {
    const checkpoint = { dir: join(temporaryFolder(), 'new', 'folder') };
    const { events, result } = await session({ totalSteps: 2, checkpoint, resume: true });
    expect(eventsOf(events, 'start')[0]!.resumedFrom).toBeUndefined();
    expect(result.step).toBe(2);
  });

  it('counts the time of earlier sessions towards the limit', async () => {
    const checkpoint = { dir: temporaryFolder() };
    const first = await session({ maxDurationMs: 300, checkpoint });
    expect(first.result.reason).toBe('time');
    const second = await session({ maxDurationMs: 300, checkpoint, resume: true });
    expect(second.result).toMatchObject({ reason: 'time', step: first.result.step });
  });

  it('tells when model settings, seed or loader have changed since', async () => {
    const checkpoint = { dir: temporaryFolder() };
    await session({ totalSteps: 2, checkpoint });
    const { events } = await session({
      totalSteps: 3,
      checkpoint,
      resume: true,
      seed: 1,
      architecture: { dropout: 0.1 },
    });
    expect(eventsOf(events, 'warning')).toMatchObject([
      { code: 'changed-setting', message: expect.stringContaining('topology and seed changed') },
    ]);
  });

  it('goes on with the next epoch where the loader has fewer batches now', async () => {
    const checkpoint = { dir: temporaryFolder() };
    await session({ totalSteps: 4, checkpoint });
    const train = halvesLoader({ stepsPerEpoch: 3, batchSize: 16 });
    const { events } = await session({ totalSteps: 7, checkpoint, resume: true, train });
    expect(eventsOf(events, 'warning')).toMatchObject([{ message: expect.stringContaining('stepsPerEpoch changed') }]);
    expect(eventsOf(events, 'step')).toMatchObject([
      { step: 4, epoch: 1, stepInEpoch: 0 },
      { step: 5, epoch: 1, stepInEpoch: 1 },
      { step: 6, epoch: 1, stepInEpoch: 2 },
    ]);
    const losses = eventsOf(events, 'step').map(({ loss }) => loss);
    expect(eventsOf(events, 'epoch')[0]!.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 3, 10);
  });

  it.each([
    [10, 3, 20],
    [3, 4, 16],
  ])('counts epochs, not their steps, where the loader has %i batches now', async (stepsPerEpoch, epochs, step) => {
    const checkpoint = { dir: temporaryFolder() };
    await session({ epochs: 2, checkpoint });
    const train = halvesLoader({ stepsPerEpoch });
    const { result, events } = await session({ epochs, checkpoint, resume: true, train });
    expect(result).toMatchObject({ reason: 'finished', epoch: epochs, step });
    expect(eventsOf(events, 'start')[0]!.totalSteps).toBe(step);
  });

  it('takes up metrics that are new and forgets those that are gone', async () => {
    const checkpoint = { dir: temporaryFolder() };
    await session({ totalSteps: 3, checkpoint });
    const metrics = { other: positionAccuracy };
    const { events } = await session({ totalSteps: 5, checkpoint, resume: true, metrics });
    for (const { metrics: values } of eventsOf(events, 'step')) {
      expect(Object.keys(values)).toEqual(['other']);
      expect(values.other).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('checkpoints', () => {
  const saved = (dir: string) => readdirSync(dir).sort();
  const file = (step: number) => `step-${String(step).padStart(8, '0')}.safetensors`;

  it('are written at the start, every so many steps and at the end; the newest stay', async () => {
    const dir = temporaryFolder();
    const { events, result } = await session({ totalSteps: 11, checkpoint: { dir, everySteps: 3, keep: 2 } });
    expect(eventsOf(events, 'checkpoint').map(({ step }) => step)).toEqual([0, 3, 6, 9, 11]);
    expect(saved(dir)).toEqual([file(9), file(11)]);
    expect(result.checkpoint).toBe(join(dir, file(11)));
  });

  it('are written by time: after every step where each takes longer, not in between where none does', async () => {
    const stepsWith = async (everyMs: number) => {
      const { events } = await session({ totalSteps: 3, checkpoint: { dir: temporaryFolder(), everyMs } });
      return eventsOf(events, 'checkpoint').map(({ step }) => step);
    };
    expect(await stepsWith(0.001)).toEqual([0, 1, 2, 3]);
    expect(await stepsWith(1e9)).toEqual([0, 3]);
  });

  it('keep the best by the monitored figure, whatever came after', async () => {
    const dir = temporaryFolder();
    const validation = halvesLoader({ seed: 2, stepsPerEpoch: 1 });
    const schedule = (epoch: number) => (epoch < 2 ? 0.01 : 3); // ruins the model from the third epoch on
    const checkpoint = { dir, best: true, keep: 1 };
    const { result } = await session({ epochs: 4, validation, schedule, scheduleBy: 'epoch', checkpoint });
    const losses = result.history.validations.map(({ loss }) => loss);
    const best = losses.indexOf(Math.min(...losses));
    expect(best).toBeLessThan(2);
    expect(saved(dir)).toEqual(['best.safetensors', file(20)]);
    const model = smallModel();
    expect(await restoreModel({ model, dir, which: 'best' })).toMatchObject({ step: 5 * (best + 1) });
    const restored = await session({ epochs: best + 1, validation, schedule, scheduleBy: 'epoch' });
    expect(weightsOf(model)).toEqual(weightsOf(restored.model));
  });

  it('start anew with the best where it goes by another figure now', async () => {
    const checkpoint = { dir: temporaryFolder(), best: true };
    const options = { checkpoint, validation: halvesLoader({ seed: 2, stepsPerEpoch: 1 }) };
    await session({ ...options, totalSteps: 5 });
    const monitor = { metric: 'accuracy', mode: 'max' } as const;
    const { result, events } = await session({ ...options, totalSteps: 10, resume: true, monitor });
    expect(eventsOf(events, 'warning')).toMatchObject([{ message: expect.stringContaining('monitor changed') }]);
    const { step, metrics } = result.history.validations[1]!;
    expect(result.best).toEqual({ value: metrics.accuracy, step });
    const restored = restoreModel({ model: smallModel(), dir: checkpoint.dir, which: 'best' });
    await expect(restored).resolves.toMatchObject({ step: 10 });
  });

  it.each([
    ['cut short', (path: string) => truncateSync(path, 1500)],
    ['empty', (path: string) => truncateSync(path, 0)],
    [
      'altered in one bit',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 5]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      'altered in its state',
      (path: string) =>
        writeFileSync(path, readFileSync(path, 'latin1').replace('examplesSeen', 'examplesSaen'), 'latin1'),
    ],
    ['something else', (path: string) => writeFileSync(path, 'not a checkpoint at all')],
  ])('that are damaged (%s) are passed over with a warning', async (_, damage) => {
    const dir = temporaryFolder();
    const checkpoint = { dir, everySteps: 2 };
    await session({ totalSteps: 6, checkpoint });
    damage(join(dir, file(6)));
    const { events, model } = await session({ totalSteps: 8, checkpoint, resume: true });
    expect(eventsOf(events, 'start')[0]!.resumedFrom).toMatchObject({ step: 4 });
    expect(eventsOf(events, 'warning')).toMatchObject([
      { code: 'damaged-checkpoint', message: expect.stringContaining(file(6)) },
    ]);
    expect(weightsOf(model)).toEqual(weightsOf((await session({ totalSteps: 8 })).model));
    expect(saved(dir)).toEqual([file(4), file(6), `${file(6)}.damaged`, file(8)]);
  });

  it('that are all damaged are an error, again and again', async () => {
    const dir = temporaryFolder();
    await session({ totalSteps: 2, checkpoint: { dir } });
    for (const name of saved(dir)) truncateSync(join(dir, name), 100);
    for (let attempt = 0; attempt < 2; attempt++) {
      const resumed = session({ totalSteps: 4, checkpoint: { dir }, resume: true });
      await expect(resumed).rejects.toMatchObject({ code: 'no-valid-checkpoint' });
    }
    await expect(restoreModel({ model: smallModel(), dir })).rejects.toMatchObject({ code: 'no-valid-checkpoint' });
  });

  it('say which kind is missing', async () => {
    const dir = temporaryFolder();
    await session({ totalSteps: 1, checkpoint: { dir, keep: 1 } });
    const [name] = saved(dir);
    renameSync(join(dir, name!), join(dir, 'best.safetensors'));
    await expect(restoreModel({ model: smallModel(), dir, which: 'best' })).resolves.toMatchObject({ step: 1 });
    await expect(restoreModel({ model: smallModel(), dir })).rejects.toMatchObject({ code: 'no-checkpoint' });
  });

  it('of another model are refused with the first difference, and the model is left as it was', async () => {
    const dir = temporaryFolder();
    await session({ totalSteps: 1, checkpoint: { dir } });
    const resumeWith = (architecture: Architecture) =>
      session({ totalSteps: 2, checkpoint: { dir }, resume: true, architecture });
    await expect(resumeWith({ batchNorm: false })).rejects.toMatchObject({
      code: 'model-mismatch',
      received: expect.stringContaining('"norm/'),
    });
    const other = tf.sequential({ layers: [tf.layers.dense({ units: 7, inputShape: [54], name: 'head' })] });
    const before = weightsOf(other);
    await expect(restoreModel({ model: other, dir })).rejects.toMatchObject({
      code: 'model-mismatch',
      expected: '"head/kernel" of shape [54,7]',
      received: '[36,6]',
    });
    expect(weightsOf(other)).toEqual(before);
  });

  it('of another optimizer are refused', async () => {
    const checkpoint = { dir: temporaryFolder() };
    await session({ totalSteps: 2, checkpoint });
    const optimizer: Optimizer = sgd({ momentum: 0.9 });
    const resumed = session({ totalSteps: 3, checkpoint, resume: true, optimizer });
    await expect(resumed).rejects.toMatchObject({ code: 'state-mismatch' });
  });

  it('of another run are neither mixed nor removed without being asked', async () => {
    const dir = temporaryFolder();
    await session({ totalSteps: 3, checkpoint: { dir } });
    const before = saved(dir);
    await expect(session({ totalSteps: 2, checkpoint: { dir } })).rejects.toMatchObject({ code: 'checkpoints-exist' });
    expect(saved(dir)).toEqual(before);
    await session({ totalSteps: 2, checkpoint: { dir, overwrite: true } });
    expect(saved(dir)).toEqual([file(0), file(2)]);
  });

  it('half written by a process that was killed are cleared away', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, `.${file(3)}.0b5c.tmp`), 'half');
    writeFileSync(join(dir, '.other.tmp'), 'not ours');
    await session({ totalSteps: 1, checkpoint: { dir } });
    expect(saved(dir)).toEqual(['.other.tmp', file(0), file(1)]);
  });

  it('stop the run when the disk is full, and those before stay intact', async ({ skip }) => {
    const dir = smallDisk(32);
    if (dir === undefined) skip('this process may not mount a small file system');
    const checkpoint = { dir: dir!, everySteps: 1, keep: 100 };
    await expect(session({ totalSteps: 50, checkpoint })).rejects.toMatchObject({ code: 'disk-full' });
    expect(readdirSync(dir!).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    const newest = saved(dir!).at(-1)!;
    await expect(restoreModel({ model: smallModel(), dir: dir! })).resolves.toMatchObject({ path: join(dir!, newest) });
  });

  it('cannot be written to a read-only folder: known before the first step', async ({ skip }) => {
    const dir = readOnlyFolder();
    if (dir === undefined) skip('root, but without the right to mount a read-only file system');
    const { events, listener } = recorder();
    const run = session({ totalSteps: 5, checkpoint: { dir: dir! }, onEvent: listener });
    await expect(run).rejects.toMatchObject({ code: 'cannot-write' });
    expect(eventsOf(events, 'step')).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'failed', error: { code: 'cannot-write' } });
  });
});
