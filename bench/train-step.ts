import { fileURLToPath } from 'node:url';
import type { BenchmarkOptions } from './main.js';
import { compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { CASES } from './support/models.js';
import { Table } from './support/table.js';
import { torchEntries } from './support/torch.js';

const PRECISIONS = ['float32', 'bfloat16'] as const;

/** Of tfjs's own JS backend, which would take a minute for the others' batch. */
const CPU_BATCH = 8;

/**
 * A whole training step (forward, loss, gradients, SGD with momentum) of our native backend and of PyTorch, with tfjs's
 * own backends where a step of theirs ends in reasonable time. Each contestant is a process of its own that uses all cores;
 * they take turns, step by step. Of PyTorch's memory layouts the faster one competes. `PYTHON` names the interpreter that
 * has PyTorch; ratios are over it in eager mode, at the same precision.
 */
export default async function benchmark({ json, profile, only, compile }: BenchmarkOptions): Promise<void> {
  const table = new Table('train-step', { json, profile });
  for (const [model, { batches, small }] of Object.entries(CASES)) {
    if (only !== undefined && only !== model) continue;
    for (const batch of batches) {
      for (const precision of PRECISIONS) {
        const entries = [ours(model, batch, precision, 'onednn')];
        const program = { program: 'torch_train_step.py', model, batch, precision };
        entries.push(...(await torchEntries(program, { compile })));
        if (small && precision === 'float32') {
          entries.push(ours(model, batch, precision, 'wasm'), ours(model, CPU_BATCH, precision, 'cpu'));
        }
        const measured = await compete(entries);
        const rival = measured.find(({ engine }) => engine === 'PyTorch');
        for (const result of measured) {
          const ratio = rival && result.picturesPerSecond / rival.picturesPerSecond;
          table.add({ model, ...result, ...(ratio !== undefined && { ratio }) });
        }
      }
    }
  }
  table.end('PyTorch');
}

function ours(model: string, batch: number, precision: string, backend: string): Entry {
  const program = fileURLToPath(new URL('contestants/tfjs-train-step.ts', import.meta.url));
  const args = ['--import', 'tsx', program, model, String(batch), precision, backend];
  return { engine: backend, precision, batch, start: () => new Contestant(process.execPath, args) };
}
