import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchmarkOptions } from './main.js';
import { type Competing, compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { buildWithWeights, type Case, chosenCases, chosenPrecisions } from './support/models.js';
import { provideOnnxruntime } from './support/onnxruntime.js';
import { Table } from './support/table.js';
import { temporaryFolder } from './support/temporary-folder.js';
import { toOnnx } from './support/to-onnx.js';
import { torchEntries } from './support/torch.js';

export const options = ['json', 'profile', 'save', 'only', 'precision', 'compile'] as const;

const BATCHES = [1, 64] as const;

/** Shorter calls are repeated. */
const ROUND_MS = 300;

/** How far the float32 logits of two contestants with the same weights may be apart, over the greatest logit. */
const TOLERANCE = 1e-4;

const OURS = 'onednn';
const RIVAL = 'onnxruntime';

/**
 * From pixels to logits, a single picture and 64 of them: our native backend beside onnxruntime-node with the same weights,
 * and beside PyTorch with the same architecture, in the memory layout that is the faster one. Each contestant is a process of
 * its own that uses all cores; they take turns. Ours and onnxruntime compete only where their float32 logits of the same
 * pictures agree. `PYTHON` names the interpreter that has PyTorch.
 */
export default async function benchmark({
  only,
  precision: wanted,
  compile,
  ...output
}: BenchmarkOptions): Promise<void> {
  const cases = chosenCases(only);
  const precisions = chosenPrecisions(wanted);
  const table = new Table('inference', output);
  const onnxruntime = await provideOnnxruntime();
  const folder = temporaryFolder('inference');
  for (const [model, theCase] of cases) {
    const file = join(folder, `${model}.onnx`);
    if (onnxruntime !== undefined) await writeFile(file, exported(theCase));
    for (const batch of BATCHES) {
      const entries = precisions.map((precision) => ours(model, batch, precision));
      if (onnxruntime !== undefined) entries.push(rival(onnxruntime, file, batch, theCase));
      for (const precision of precisions) {
        const program = { program: 'torch_inference.py', model, batch, precision };
        entries.push(...(await torchEntries(program, { compile })));
      }
      await addRows(table, model, entries);
    }
  }
  await table.end(RIVAL);
}

async function addRows(table: Table, model: string, entries: readonly Entry[]): Promise<void> {
  const differences = new Map<string, number>();
  const admit = async (competing: readonly Competing[]) => {
    const reference = competing.find(({ engine }) => engine === RIVAL);
    if (reference === undefined) return;
    const expected = await reference.contestant.outputs();
    for (const { engine, precision, contestant } of competing) {
      if (engine !== OURS) continue;
      const difference = relativeDifference(await contestant.outputs(), expected);
      if (precision === 'float32' && !(difference < TOLERANCE)) throw new Disagreement(difference);
      differences.set(precision, difference);
    }
  };
  try {
    const measured = await compete(entries, { roundMilliseconds: ROUND_MS, admit });
    const best = measured.find(({ engine }) => engine === RIVAL);
    for (const result of measured) {
      const difference = result.engine === OURS ? differences.get(result.precision) : undefined;
      table.add({
        model,
        ...result,
        ...(best !== undefined && { ratio: result.picturesPerSecond / best.picturesPerSecond }),
        ...(difference !== undefined && { difference }),
      });
    }
  } catch (error) {
    if (!(error instanceof Disagreement)) throw error;
    console.error(`${model} ${entries[0]!.batch}: ${error.message}`);
    process.exitCode = 1;
  }
}

class Disagreement extends Error {
  constructor(difference: number) {
    super(`no competition, the float32 logits differ by ${difference.toExponential(1)} of the greatest`);
  }
}

/** Greatest difference over the greatest absolute value. */
function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, greatest] = [0, 0];
  for (const [i, value] of expected.entries()) {
    // Of a NaN, which JSON has as null, nothing is the maximum.
    difference = Math.max(difference, Math.abs((actual[i] ?? Number.NaN) - value));
    greatest = Math.max(greatest, Math.abs(value));
  }
  return difference / greatest;
}

function exported(theCase: Case): Uint8Array {
  const model = buildWithWeights(theCase);
  const bytes = toOnnx(model);
  model.dispose();
  return bytes;
}

function ours(model: string, batch: number, precision: string): Entry {
  const program = fileURLToPath(new URL('contestants/tfjs-inference.ts', import.meta.url));
  const args = ['--import', 'tsx', program, model, String(batch), precision, OURS];
  return { engine: OURS, precision, batch, start: () => new Contestant(process.execPath, args) };
}

function rival(folder: string, file: string, batch: number, { input }: Case): Entry {
  const program = fileURLToPath(new URL('contestants/onnxruntime-inference.ts', import.meta.url));
  const args = ['--import', 'tsx', program, folder, file, ...[batch, ...input].map(String)];
  return { engine: RIVAL, precision: 'float32', batch, start: () => new Contestant(process.execPath, args) };
}
