import { createHash } from 'node:crypto';
import { isProjError, ProjError } from '@proj/core';
import type * as tf from '@tensorflow/tfjs';
import type { Checkpoint, RunSetting } from './checkpoint-file.js';
import { type CheckpointStore, checkpointStore } from './checkpoint-store.js';
import type { EndReason, TrainEvent, WarningEvent } from './events.js';
import { adoptTally, emptyTally } from './metric.js';
import { writeWeights } from './model-weights.js';
import { checkOptions, type FitOptions, type FitResult } from './options.js';
import { type EpochRecord, initialState, type RunState, type ValidationRecord } from './run-state.js';
import { closeBatches, type StopWatch, watchStop } from './stop.js';
import { TrainingRun } from './training-run.js';

/**
 * Trains a model: for every batch the loss with the penalties of the layers' regularizers, its gradients, an update of
 * the optimizer. Results of a step are read while the next one is computed. No tensor is left behind but the
 * optimizer's state.
 *
 * A run that is resumed goes on bit for bit as if it had not been stopped, in the middle of an epoch too: batches are
 * pure functions of (epoch, step), dropout masks of (seed, step), and the checkpoint holds everything else. (With a
 * limit by time the number of steps, and a schedule by progress, go by the clock.)
 *
 * @returns how it ended: `finished` (epochs or steps), `time`, `aborted` (options.signal) or `signal` (SIGINT, SIGTERM).
 * @throws ProjError `invalid-option`; `checkpoints-exist` when `checkpoint.dir` holds another run; `no-valid-checkpoint`
 *   and `model-mismatch` when resuming; `diverged` when loss or weights are no longer finite; `loader-ended` when the
 *   loader gives too few batches; `disk-full` and `cannot-write` when a checkpoint cannot be written; and what loader,
 *   loss, metrics or listeners throw. The last good checkpoint stays in every case.
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  checkOptions(options);
  const { model, metrics = {}, train, checkpoint, resume = false, seed = 0 } = options;
  const listeners = [options.onEvent ?? []].flat();
  const emit = async (event: TrainEvent) => {
    for (const listener of listeners) await listener(event);
  };
  const { metric, mode } = options.monitor ?? { metric: 'loss', mode: 'min' };
  const { stepsPerEpoch } = train;
  const setting: RunSetting = { topology: topologyHash(model), stepsPerEpoch, seed, monitor: `${mode} ${metric}` };
  const stop = watchStop(options.signal, options.handleSignals ?? false);
  let run: TrainingRun | undefined;
  try {
    const store = checkpoint && checkpointStore(checkpoint.dir, checkpoint.keep ?? 3);
    const warnings: WarningEvent[] = [];
    const damaged: string[] = [];
    const found = resume
      ? await store?.loadNewest((path, { message }) => {
          damaged.push(path);
          warnings.push(warning('damaged-checkpoint', message));
        })
      : await requireEmpty(store, checkpoint);
    await store?.takeOver(damaged);
    if (found !== undefined) warnings.push(...restore(options, setting, found));
    const state = found === undefined ? initialState(metrics) : adoptState(options, setting, found.checkpoint);
    run = new TrainingRun({ options, setting, state, store, stop, emit, resumedFrom: found?.path });

    await emit({
      type: 'start',
      totalSteps: Number.isFinite(run.maxSteps) ? run.maxSteps : undefined,
      epochs: options.epochs,
      maxDurationMs: options.maxDurationMs,
      stepsPerEpoch: train.stepsPerEpoch,
      metrics: Object.keys(metrics),
      resumedFrom: found && { path: found.path, step: state.step, epoch: state.epoch },
    });
    for (const event of warnings) await emit(event);
    await run.save(); // shows at once whether the folder can be written to, and makes any kill resumable
    const reason = await trainUntilEnd(options, run, stop);
    const { step, epoch, examplesSeen } = run.state;
    const signal = reason === 'signal' ? stop.request?.signal : undefined;
    const end = { reason, ...(signal && { signal }), epoch, step, elapsedMs: run.elapsedMs, examplesSeen };
    await emit({ type: 'end', ...end });
    return {
      ...end,
      history: { epochs: run.state.epochs, validations: run.state.validations },
      ...(run.state.best && { best: run.state.best }),
      ...(run.lastCheckpoint !== undefined && { checkpoint: run.lastCheckpoint }),
    };
  } catch (error) {
    const { step = 0, epoch = 0, examplesSeen = 0 } = run?.state ?? {};
    const code = isProjError(error) ? error.code : 'error';
    const message = error instanceof Error ? error.message : String(error);
    const end = { epoch, step, elapsedMs: run?.elapsedMs ?? 0, examplesSeen };
    const event = { type: 'end', reason: 'failed', ...end, error: { code, message } } as const;
    // The first error is the one to report, and every listener is told, also where one cannot take the news of it.
    for (const listener of listeners)
      await Promise.resolve(event)
        .then(listener)
        .catch(() => undefined);
    throw error;
  } finally {
    await run?.dispose();
    stop.dispose();
  }
}

async function trainUntilEnd(options: FitOptions, run: TrainingRun, stop: StopWatch): Promise<EndReason> {
  // What the stop of an earlier session came before.
  if (isValidationDue(options, run.state) && !run.isValidated) await run.validate(run.epochOfLastStep, true);
  while (run.endReason === undefined) await trainEpoch(options, run, stop);
  await run.flush();
  if (!run.isValidated) await run.validate(run.epochOfLastStep, false);
  const reason = run.endReason; // only now: a stop may have cut the validation short
  if (options.checkpoint) await run.save();
  else await run.assertFinite();
  return reason;
}

/** The rest of the current epoch, as far as the limits let it go. */
async function trainEpoch(options: FitOptions, run: TrainingRun, stop: StopWatch) {
  const { train } = options;
  const { state } = run;
  const { epoch } = state;
  const batches = train.epoch(epoch, { fromStep: state.stepInEpoch })[Symbol.asyncIterator]();
  let isWaiting = false;
  try {
    while (state.epoch === epoch && run.endReason === undefined) {
      const askedAt = performance.now();
      isWaiting = true;
      const next = await stop.race(batches.next());
      if (next === undefined) break;
      isWaiting = false;
      if (next.done) throw loaderEnded(epoch, state.stepInEpoch, train.stepsPerEpoch);
      await run.step(next.value, performance.now() - askedAt);
      await new Promise(setImmediate); // lets timers, signals and workers have their turn

      if (state.stepInEpoch >= train.stepsPerEpoch) await run.endEpoch();
      if (isValidationDue(options, state)) await run.validate(epoch, true);
      if (run.isSaveDue) await run.save();
    }
  } catch (error) {
    await closeBatches(batches, isWaiting).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  await closeBatches(batches, isWaiting);
}

/** Whether the validation data is to be measured after the last step. */
function isValidationDue(
  { validateEvery = { epochs: 1 } }: FitOptions,
  { step, epoch, stepInEpoch }: RunState,
): boolean {
  if (step === 0) return false;
  if ('steps' in validateEvery) return step % validateEvery.steps === 0;
  return stepInEpoch === 0 && epoch % validateEvery.epochs === 0;
}

async function requireEmpty(
  store: CheckpointStore | undefined,
  checkpoint: FitOptions['checkpoint'],
): Promise<undefined> {
  if (store === undefined || checkpoint === undefined) return undefined;
  if (checkpoint.overwrite) await store.clear();
  const [newest] = await store.list();
  if (newest === undefined) return undefined;
  throw new ProjError(`The folder ${checkpoint.dir} holds checkpoints of another run`, {
    code: 'checkpoints-exist',
    expected: 'a folder without checkpoints, because resume is not set',
    received: newest,
    fix: 'Set resume to go on with that run, checkpoint.overwrite to remove it, or take another folder',
  });
}

/** Puts a checkpoint into model, optimizer and schedule; tells what has changed since it was made. */
function restore(
  { model, optimizer, schedule }: FitOptions,
  setting: RunSetting,
  { path, checkpoint }: { path: string; checkpoint: Checkpoint },
): WarningEvent[] {
  writeWeights(model, checkpoint.weights, path);
  optimizer.setState(checkpoint.optimizer);
  if (typeof schedule !== 'function') {
    for (const value of checkpoint.run.observations) schedule.observe(value ?? Number.NaN);
  }
  const before = { ...setting, ...checkpoint.setting }; // an older version saved fewer
  const changed = (Object.keys(setting) as (keyof RunSetting)[]).filter((key) => setting[key] !== before[key]);
  if (changed.length === 0) return [];
  const message = `Since ${path} was made, ${changed.join(' and ')} changed: the run goes on, but not as it would have`;
  return [warning('changed-setting', message)];
}

/** A saved state for the metrics and the loader of this session. */
function adoptState(
  { metrics = {}, train }: FitOptions,
  { monitor }: RunSetting,
  { run: saved, setting }: Checkpoint,
): RunState {
  // A loader of fewer batches than before may have no such step: then its next epoch begins.
  const best = (setting.monitor ?? monitor) === monitor ? saved.best : null;
  const adopt = (tally: RunState['epochTally']) => adoptTally(metrics, tally);
  const position =
    saved.stepInEpoch < train.stepsPerEpoch
      ? { epochTally: adopt(saved.epochTally) }
      : { epoch: saved.epoch + 1, stepInEpoch: 0, epochTally: emptyTally(metrics) };
  return {
    ...saved,
    ...position,
    best,
    epochs: saved.epochs.map(withNaN),
    validations: saved.validations.map(withNaN),
    window: saved.window.map(adopt),
  };
}

/** JSON has null for NaN. */
function withNaN<R extends EpochRecord | ValidationRecord>(record: R): R {
  const metrics = Object.entries(record.metrics).map(([name, value]) => [name, value ?? Number.NaN]);
  return { ...record, loss: record.loss ?? Number.NaN, metrics: Object.fromEntries(metrics) };
}

/** Layers and their settings without the model's own name, which tfjs numbers through within a process. */
function topologyHash(model: tf.LayersModel): string {
  const { config, class_name: kind } = model.toJSON(undefined, false) as Record<string, unknown>;
  const { name: _, ...rest } = config as Record<string, unknown>;
  return createHash('sha256')
    .update(JSON.stringify([kind, rest]))
    .digest('hex');
}

function warning(code: string, message: string): WarningEvent {
  return { type: 'warning', code, message };
}

function loaderEnded(epoch: number, step: number, expected: number): ProjError {
  return new ProjError(`The loader ended in the middle of epoch ${epoch}`, {
    code: 'loader-ended',
    expected: `${expected} batches in each epoch, as its stepsPerEpoch says`,
    received: `${step}`,
  });
}
