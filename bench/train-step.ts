import { fileURLToPath } from 'node:url';
import type { BenchmarkOptions } from './main.js';
import { compete, type Entry } from './support/compete.js';
import { Contestant } from './support/contestant.js';
import { chosenCases, chosenPrecisions } from './support/models.js';
import { Table } from './support/table.js';
import { torchEntries } from './support/torch.js';

export const options = ['json', 'profile', 'save', 'only', 'precision', 'compile', 'stock'] as const;

/**
 * Of tfjs's own backends. The plain JS one takes some fifteen seconds for a picture of v4, nine tenths of them in the gradient of
 * filters, whose elements it reads one call each.
 */
const STOCK_BATCHES = { wasm: 16, cpu: 1 };

/**
 * A whole training step (forward, loss, gradients, SGD with momentum) of our native backend and of PyTorch, with tfjs's
 * own backends, where asked for and where a step of theirs ends in minutes. Each contestant is a process of its own that uses
 * all cores; they take turns. Of PyTorch's memory layouts the faster one competes. `PYTHON` names the interpreter that
 * has PyTorch; ratios are over it in eager mode, at the same precision.
 */
export default async function benchmark({
  only,
  precision: wanted,
  compile,
  stock,
  ...output
}: BenchmarkOptions): Promise<void> {
  const precisions = chosenPrecisions(wanted);
  const table = new Table('train-step', output);
  for (const [model, { batches, small }] of chosenCases(only)) {
    for (const batch of batches) {
      for (const precision of precisions) {
        const entries = [ours(model, batch, precision, 'onednn')];
        const program = { program: 'torch_train_step.py', model, batch, precision };
        entries.push(...(await torchEntries(program, { compile })));
        if (stock && small && precision === 'float32') {
          for (const [backend, few] of Object.entries(STOCK_BATCHES))
            entries.push(ours(model, few, precision, backend));
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
  await table.end('PyTorch');
}

function ours(model: string, batch: number, precision: string, backend: string): Entry {
  const program = fileURLToPath(new URL('contestants/tfjs-train-step.ts', import.meta.url));
  const args = ['--import', 'tsx', program, model, String(batch), precision, backend];
  return { engine: backend, precision, batch, start: () => new Contestant(process.execPath, args) };
}
