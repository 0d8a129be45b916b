/** A training of its own process: options as JSON in the first argument, results in the checkpoint folder and the log. */
import { adam } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { fit, jsonlLog, saveModel, softmaxCrossEntropyPerPosition, type TrainListener } from '../src/index.js';
import { halvesLoader, positionAccuracy, smallModel } from './fixtures.js';

export interface ChildOptions {
  readonly dir: string;
  /** Where the log goes; none without. */
  readonly log?: string;
  readonly totalSteps: number;
  readonly resume: boolean;
  /** Saves the trained model here. */
  readonly model?: string;
}

const { dir, log, totalSteps, resume, model: modelDir } = JSON.parse(process.argv[2]!) as ChildOptions;
await tf.setBackend('cpu');

/** Makes steps long enough to be killed in the middle of a run. */
const slow: TrainListener = (event) =>
  event.type === 'step' ? new Promise((resolve) => setTimeout(resolve, 15)) : undefined;

const model = smallModel({ dropout: 0.3 });
try {
  const { reason, signal } = await fit({
    model,
    optimizer: adam(),
    loss: softmaxCrossEntropyPerPosition,
    schedule: (step) => 0.02 / (1 + step),
    train: halvesLoader(),
    metrics: { accuracy: positionAccuracy },
    totalSteps,
    checkpoint: { dir, everySteps: 3 },
    resume,
    handleSignals: true,
    onEvent: log === undefined ? [slow] : [jsonlLog(log), slow],
  });
  if (modelDir !== undefined && reason === 'finished') await saveModel(model, modelDir);
  process.exitCode = signal === undefined ? 0 : 130;
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: string }).code, message: (error as Error).message }));
  process.exitCode = 1;
}
