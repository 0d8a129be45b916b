import { fileURLToPath } from 'node:url';
import type { Entry } from './compete.js';
import { Contestant } from './contestant.js';

const LAYOUTS = ['channels-last', 'contiguous'] as const;
const PYTHON = process.env.PYTHON ?? 'python3';

/** A program of `contestants/` with what it competes at. */
interface TorchProgram {
  readonly program: string;
  readonly model: string;
  readonly batch: number;
  readonly precision: string;
}

/**
 * PyTorch in eager mode, and compiled where `compile` says so, in the memory layout that is the faster one in eager mode.
 * `PYTHON` names the interpreter that has PyTorch. Where it cannot compete there is none, and a line says why.
 */
export async function torchEntries(program: TorchProgram, { compile }: { compile: boolean }): Promise<Entry[]> {
  const layout = await fasterLayout(program);
  if (layout === undefined) return [];
  return [entry(program, layout, 'eager'), ...(compile ? [entry(program, layout, 'compiled')] : [])];
}

function entry({ program, model, batch, precision }: TorchProgram, layout: string, mode: string): Entry {
  const path = fileURLToPath(new URL(`../contestants/${program}`, import.meta.url));
  const args = [path, model, String(batch), precision, layout, mode];
  const engine = mode === 'eager' ? 'PyTorch' : 'torch.compile';
  return { engine, precision, batch, start: () => new Contestant(PYTHON, args) };
}

async function fasterLayout(program: TorchProgram): Promise<string | undefined> {
  const times: { layout: string; milliseconds: number }[] = [];
  for (const layout of LAYOUTS) {
    const contestant = entry(program, layout, 'eager').start();
    try {
      await contestant.ready();
      const runs = [await contestant.run(), await contestant.run(), await contestant.run()];
      times.push({ layout, milliseconds: Math.min(...runs) });
      await contestant.end();
    } catch (error) {
      console.error(`No PyTorch beside (PYTHON=${PYTHON}): ${(error as Error).message}`);
      return undefined;
    } finally {
      contestant.kill();
    }
  }
  return times.sort((a, b) => a.milliseconds - b.milliseconds)[0]!.layout;
}
