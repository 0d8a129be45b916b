import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rng } from '@proj/core';
import { adam } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fit,
  loadModel,
  readJsonlLog,
  restoreModel,
  type StepEvent,
  softmaxCrossEntropyPerPosition,
} from '../src/index.js';
import { eventsOf, halvesLoader, positionAccuracy, recorder, smallModel } from './fixtures.js';
import { temporaryFolder } from './temporary-folder.js';
import type { ChildOptions } from './train-child.js';

const CHILD = fileURLToPath(new URL('train-child.ts', import.meta.url));
const PATIENCE_MS = 240_000; // a loaded machine takes its time to start a process with TensorFlow.js

beforeAll(() => tf.setBackend('cpu'));

function start(options: ChildOptions, { maxFileKib }: { maxFileKib?: number } = {}): ChildProcess {
  const args = ['--import', 'tsx', CHILD, JSON.stringify(options)];
  if (maxFileKib === undefined) return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const limited = ['-c', `ulimit -f ${maxFileKib}; exec "$@"`, 'bash', process.execPath, ...args];
  const env = { ...process.env, TSX_DISABLE_CACHE: '1' }; // tsx would leave half-written files in its cache
  return spawn('bash', limited, { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = '';
  child.stdout!.on('data', (data) => {
    output += data;
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

/** Resolves when the log has so many lines of steps in all, or the process has ended. */
async function loggedSteps(child: ChildProcess, log: string, count: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
    if (text.split('"type":"step"').length - 1 >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function straightRun(
  totalSteps: number,
): Promise<{ losses: number[]; weights: (Float32Array | Int32Array | Uint8Array)[] }> {
  const { events, listener } = recorder();
  const model = smallModel({ dropout: 0.3 });
  await fit({
    model,
    optimizer: adam(),
    loss: softmaxCrossEntropyPerPosition,
    schedule: (step) => 0.02 / (1 + step),
    train: halvesLoader(),
    metrics: { accuracy: positionAccuracy },
    totalSteps,
    onEvent: listener,
  });
  return {
    losses: eventsOf(events, 'step').map(({ loss }) => loss),
    weights: model.weights.map((weight) => weight.read().dataSync()),
  };
}

describe('a training process', () => {
  it(
    'killed at any moment goes on as if nothing had been',
    async () => {
      const root = temporaryFolder();
      const log = join(root, 'log.jsonl');
      const options: ChildOptions = {
        dir: join(root, 'checkpoints'),
        log,
        totalSteps: 24,
        resume: true,
        model: join(root, 'model'),
      };
      const moments = new Rng('kills');
      let logged = 0;
      for (let kill = 0; kill < 2; kill++) {
        const child = start(options);
        const end = ended(child);
        logged += 4 + moments.int(5);
        await loggedSteps(child, log, logged);
        await new Promise((resolve) => setTimeout(resolve, moments.int(30)));
        child.kill('SIGKILL');
        expect((await end).signal).toBe('SIGKILL');
        logged = readFileSync(log, 'utf8').split('"type":"step"').length - 1;
      }
      expect(await ended(start(options))).toMatchObject({ code: 0 });

      const events = await readJsonlLog(log);
      const straight = await straightRun(24);
      const steps = eventsOf(events, 'step') as StepEvent[];
      expect(steps.map(({ step }) => step)).toEqual(straight.losses.map((_, i) => i));
      expect(steps.map(({ loss }) => loss)).toEqual(straight.losses);
      expect(readFileSync(log, 'utf8').match(/"resumedFrom"/g)).toHaveLength(2);
      const model = await loadModel(join(root, 'model'));
      expect(model.weights.map((weight) => weight.read().dataSync())).toEqual(straight.weights);
    },
    PATIENCE_MS,
  );

  it(
    'interrupted by Ctrl-C saves where it is and stops',
    async () => {
      const root = temporaryFolder();
      const log = join(root, 'log.jsonl');
      const child = start({ dir: join(root, 'checkpoints'), log, totalSteps: 10_000, resume: false });
      const end = ended(child);
      await loggedSteps(child, log, 4);
      child.kill('SIGINT');
      expect(await end).toMatchObject({ code: 130, signal: null });
      const last = (await readJsonlLog(log)).at(-1)!;
      expect(last).toMatchObject({ type: 'end', reason: 'signal', signal: 'SIGINT' });
      const { step } = await restoreModel({ model: smallModel({ dropout: 0.3 }), dir: join(root, 'checkpoints') });
      expect(last).toMatchObject({ step });
    },
    PATIENCE_MS,
  );

  it(
    'that cannot write a checkpoint of full size says so and leaves the one before intact',
    async () => {
      const dir = join(temporaryFolder(), 'checkpoints');
      const limited = { dir, totalSteps: 100, resume: false };
      const { code, output } = await ended(start(limited, { maxFileKib: 6 })); // the first, without optimizer state, fits
      expect(code).toBe(1);
      expect(JSON.parse(output)).toMatchObject({ code: 'cannot-write', message: expect.stringContaining(dir) });
      expect(readdirSync(dir)).toEqual(['step-00000000.safetensors']);
      const model = smallModel({ dropout: 0.3 });
      await expect(restoreModel({ model, dir })).resolves.toMatchObject({ step: 0 });
    },
    PATIENCE_MS,
  );
});

describe('fit with handleSignals', () => {
  it('stops at SIGTERM and removes its handlers', async () => {
    const before = process.listenerCount('SIGTERM');
    const result = await fit({
      model: smallModel(),
      optimizer: adam(),
      loss: softmaxCrossEntropyPerPosition,
      schedule: () => 0.01,
      train: halvesLoader(),
      epochs: 100,
      handleSignals: true,
      onEvent: (event) => {
        if (event.type !== 'step' || event.step > 0) return;
        expect(process.listenerCount('SIGTERM')).toBe(before + 1);
        process.kill(process.pid, 'SIGTERM');
      },
    });
    expect(result).toMatchObject({ reason: 'signal', signal: 'SIGTERM' });
    expect(result.step).toBeLessThan(5);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
