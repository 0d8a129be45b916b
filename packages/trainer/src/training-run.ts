import { type Batch, ProjError } from '@proj/core';
import type { Checkpoint, RunSetting } from './checkpoint-file.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { divergedError } from './diverged.js';
import { evaluate, tallyOutput } from './evaluate.js';
import type { EndReason, TrainEvent } from './events.js';
import { learningRateAt, observe } from './learning-rate.js';
import { emptyTally, type Metrics, readTally, type Tally } from './metric.js';
import { nonFinite, readWeights } from './model-weights.js';
import type { FitOptions } from './options.js';
import { progressOf, stepLimit, Throughput } from './progress.js';
import { addBatch, type RunState, windowTally } from './run-state.js';
import type { StopWatch } from './stop.js';
import { makeStepper, type Stepper } from './train-step.js';

/** A step whose results are not read yet. */
interface PendingStep {
  readonly epoch: number;
  readonly step: number;
  readonly stepInEpoch: number;
  readonly learningRate: number;
  readonly dataWaitMs: number;
  readonly batch: Batch;
  readonly tally: Promise<Tally>;
}

/** One session of a run: its state, and what can be done with it between two steps. */
export class TrainingRun {
  readonly state: RunState;
  /** Steps of the whole run; Infinity where only the time is limited. */
  readonly maxSteps: number;
  readonly #options: FitOptions;
  readonly #setting: RunSetting;
  readonly #metrics: Metrics;
  readonly #stepper: Stepper;
  readonly #store: CheckpointStore | undefined;
  readonly #stop: StopWatch;
  readonly #emit: (event: TrainEvent) => Promise<void>;
  readonly #startedAt = performance.now();
  readonly #earlierMs: number;
  readonly #throughput = new Throughput();
  #pending: PendingStep | undefined;
  #lastFiniteLoss: number | undefined;
  #lastLearningRate = Number.NaN;
  /** Since when the time of the next steps counts for the throughput. */
  #mark = performance.now();
  #lastSave: { step: number; validations: number; elapsedMs: number; path: string } | undefined;

  constructor(parts: {
    options: FitOptions;
    setting: RunSetting;
    state: RunState;
    store: CheckpointStore | undefined;
    stop: StopWatch;
    emit: (event: TrainEvent) => Promise<void>;
    /** The checkpoint that `state` comes from. */
    resumedFrom: string | undefined;
  }) {
    const { model, loss, optimizer, clipGlobalNorm, trace, metrics = {} } = parts.options;
    this.#options = parts.options;
    this.#setting = parts.setting;
    this.state = parts.state;
    this.maxSteps = stepLimit(parts.options, parts.options.train.stepsPerEpoch, parts.state);
    this.#store = parts.store;
    this.#stop = parts.stop;
    this.#emit = parts.emit;
    this.#metrics = metrics;
    this.#earlierMs = parts.state.elapsedMs;
    this.#stepper = makeStepper({ model, loss, optimizer, clipGlobalNorm, trace, seed: parts.setting.seed });
    if (parts.resumedFrom !== undefined) this.#lastSave = this.#saved(parts.resumedFrom);
  }

  get elapsedMs(): number {
    return this.#earlierMs + performance.now() - this.#startedAt;
  }

  get epochOfLastStep(): number {
    const { epoch, stepInEpoch } = this.state;
    return stepInEpoch === 0 ? Math.max(0, epoch - 1) : epoch;
  }

  get lastCheckpoint(): string | undefined {
    return this.#lastSave?.path;
  }

  /** Why no further step is to be made; undefined while training goes on. */
  get endReason(): EndReason | undefined {
    if (this.#stop.request !== undefined) return this.#stop.request.reason;
    if (this.state.step >= this.maxSteps) return 'finished';
    if (this.elapsedMs >= (this.#options.maxDurationMs ?? Infinity)) return 'time';
    return undefined;
  }

  /** Starts a step and, while it is computed, reads and tells the one before. */
  async step(batch: Batch, dataWaitMs: number): Promise<void> {
    const { state } = this;
    const { schedule, scheduleBy = 'step', maxDurationMs } = this.#options;
    const { epoch, step, stepInEpoch } = state;
    const progress = progressOf(step, this.elapsedMs, this.maxSteps, maxDurationMs);
    const learningRate = learningRateAt(schedule, scheduleBy, { step, epoch, progress });
    const before = this.#pending;
    this.#pending = undefined;
    try {
      const tally = tallyOutput(this.#stepper.run(batch, step, learningRate), batch, this.#metrics);
      tally.catch(() => undefined); // reported by the await in #account
      this.#pending = { epoch, step, stepInEpoch, learningRate, dataWaitMs, batch, tally };
    } finally {
      if (before !== undefined) await this.#account(before);
    }
    this.#lastLearningRate = learningRate;
    state.step++;
    state.stepInEpoch++;
  }

  /** Waits for the last step and tells it. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) await this.#account(pending);
  }

  async endEpoch(): Promise<void> {
    await this.flush();
    const { state } = this;
    const { loss, metrics } = readTally(this.#metrics, state.epochTally);
    const { epoch, step, examplesSeen } = state;
    const record = { epoch, step, loss, metrics, learningRate: this.#lastLearningRate };
    state.epochs.push(record);
    state.epoch++;
    state.stepInEpoch = 0;
    state.epochTally = emptyTally(this.#metrics);
    await this.#emit({ type: 'epoch', ...record, elapsedMs: this.elapsedMs, examplesSeen });
    if (this.#options.validation === undefined) await this.#observe(epoch, record);
  }

  /**
   * Measures the validation data, unless a stop comes in between.
   *
   * @param epoch the epoch it belongs to.
   * @param observed whether an observing schedule is to learn of it.
   */
  async validate(epoch: number, observed: boolean): Promise<void> {
    const { validation, model, loss, monitor } = this.#options;
    await this.flush();
    if (validation === undefined || this.#stop.request !== undefined) return;
    const measured = await this.#unlessStopped(
      evaluate({ model, data: validation, metrics: this.#metrics, loss, signal: this.#stop.abortSignal }),
    );
    if (measured === undefined) return;
    const { state } = this;
    const record = { epoch, step: state.step, loss: measured.loss!, metrics: measured.metrics };
    state.validations.push(record);
    await this.#emit({ type: 'validation', ...record, elapsedMs: this.elapsedMs, examplesSeen: state.examplesSeen });
    if (observed) await this.#observe(epoch, record);

    const value = this.#monitored(record);
    const best = state.best?.value;
    const isBest = best === undefined || (monitor?.mode === 'max' ? value > best : value < best);
    if (isBest && Number.isFinite(value)) {
      state.best = { value, step: state.step };
      if (this.#options.checkpoint?.best) await this.#store?.saveBest(await this.#checkpoint());
    }
    this.#mark = performance.now();
  }

  /** Whether the data was validated after the last step. */
  get isValidated(): boolean {
    return this.state.validations.at(-1)?.step === this.state.step;
  }

  /** Whether a checkpoint is due by the number of steps or by time. */
  get isSaveDue(): boolean {
    if (this.#store === undefined) return false;
    const { everySteps, everyMs = everySteps === undefined ? 60_000 : Infinity } = this.#options.checkpoint ?? {};
    const bySteps = everySteps !== undefined && this.state.step % everySteps === 0;
    return bySteps || this.elapsedMs - (this.#lastSave?.elapsedMs ?? 0) >= everyMs;
  }

  /** Writes a checkpoint, unless the newest one is of this very state. */
  async save(): Promise<void> {
    await this.flush();
    const { step, validations } = this.state;
    const isSaved = this.#lastSave?.step === step && this.#lastSave.validations === validations.length;
    if (this.#store === undefined || isSaved) return;
    const path = await this.#store.save(await this.#checkpoint());
    this.#lastSave = this.#saved(path);
    this.#mark = performance.now();
    await this.#emit({ type: 'checkpoint', path, step });
  }

  /** Lets go of everything; a step that was not told yet is dropped. */
  async dispose(): Promise<void> {
    await this.#pending?.tally.catch(() => undefined); // its tensors are freed when it is read
    this.#stepper.dispose();
  }

  async #account({ batch, tally: promise, ...position }: PendingStep): Promise<void> {
    const { state } = this;
    const tally = await promise;
    const loss = tally.lossSum / tally.examples;
    const { step, learningRate } = position;
    if (!Number.isFinite(loss)) {
      const facts = { step, loss, learningRate, lastFiniteLoss: this.#lastFiniteLoss, checkpoint: this.lastCheckpoint };
      throw divergedError(facts, batch);
    }
    this.#lastFiniteLoss = loss;
    addBatch(state, this.#metrics, tally, this.#options.metricsWindow ?? 1000);
    const now = performance.now();
    this.#throughput.add(tally.examples, now - this.#mark);
    this.#mark = now;

    const { maxDurationMs = Infinity } = this.#options;
    const { elapsedMs, maxSteps } = this;
    const remainingStepsMs = maxSteps === Infinity ? Infinity : (maxSteps - step - 1) * this.#throughput.msPerStep;
    const smoothed = readTally(this.#metrics, windowTally(state, this.#metrics));
    await this.#emit({
      type: 'step',
      ...position,
      loss,
      smoothedLoss: smoothed.loss,
      metrics: smoothed.metrics,
      examplesPerSecond: this.#throughput.examplesPerSecond,
      progress: progressOf(step + 1, elapsedMs, maxSteps, maxDurationMs),
      elapsedMs,
      remainingMs: Math.max(0, Math.min(remainingStepsMs, maxDurationMs - elapsedMs)),
      examplesSeen: state.examplesSeen,
    });
  }

  #monitored(figures: { loss: number; metrics: Readonly<Record<string, number>> }): number {
    const { metric } = this.#options.monitor ?? { metric: 'loss' };
    return metric === 'loss' ? figures.loss : figures.metrics[metric]!;
  }

  async #observe(epoch: number, figures: { loss: number; metrics: Readonly<Record<string, number>> }): Promise<void> {
    const { schedule } = this.#options;
    if (typeof schedule === 'function') return;
    const value = this.#monitored(figures);
    this.state.observations.push(Number.isFinite(value) ? value : null);
    const change = observe(schedule, value);
    if (change !== undefined) {
      await this.#emit({ type: 'learningRate', epoch, step: this.state.step, ...change });
    }
  }

  async #unlessStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await promise;
    } catch (error) {
      if (this.#stop.request !== undefined && error instanceof ProjError && error.code === 'aborted') return undefined;
      throw error;
    }
  }

  /** @throws ProjError `diverged` when a weight is not finite. */
  async assertFinite(): Promise<void> {
    await this.#finiteWeights();
  }

  async #finiteWeights(): Promise<Checkpoint['weights']> {
    const weights = await readWeights(this.#options.model);
    const [bad] = nonFinite(weights);
    if (bad !== undefined) {
      throw divergedError({
        step: this.state.step - 1,
        loss: this.#lastFiniteLoss,
        weight: bad,
        learningRate: this.#lastLearningRate,
        lastFiniteLoss: this.#lastFiniteLoss,
        checkpoint: this.lastCheckpoint,
      });
    }
    return weights;
  }

  async #checkpoint(): Promise<Checkpoint> {
    const weights = await this.#finiteWeights();
    this.state.elapsedMs = this.elapsedMs;
    return {
      weights,
      optimizer: await this.#options.optimizer.getState(),
      run: this.state,
      setting: this.#setting,
    };
  }

  #saved(path: string) {
    const { step, validations } = this.state;
    return { step, validations: validations.length, elapsedMs: this.elapsedMs, path };
  }
}
