import { ProjError } from '@proj/core';
import { BACKENDS, type BackendName, candidates } from './candidates.js';

export interface ChooseOptions {
  /** A backend by name, or `auto` (the default) for the best that works on this machine. */
  readonly backend?: BackendName | 'auto' | undefined;
}

/** Why a better backend was not taken. */
export interface Unavailable {
  readonly backend: BackendName;
  readonly available: false;
  readonly reason: string;
}

export interface BackendChoice {
  readonly backend: BackendName;
  /** The name by which tfjs knows it, as `tf.getBackend()` returns it. */
  readonly tfName: string;
  /** Version of the library behind it, with instruction set and threads where they are known. */
  readonly version?: string;
  /** The better backends that were tried, best first. Empty when one was asked for by name. */
  readonly reasons: readonly Unavailable[];
}

/**
 * Makes a tfjs backend the active one and says which: the first that works of tfjs-node-gpu with a CUDA device, onednn,
 * tfjs-node, wasm, cpu, or the one asked for. Call it once, before making tensors. On wasm the gradients that tfjs's
 * backend lacks are registered, so every choice can train.
 *
 * @throws ProjError `unknown-backend` for another name, `backend-unavailable` when the one asked for does not work here
 * (`received` has the reason).
 */
export async function chooseBackend({ backend = 'auto' }: ChooseOptions = {}): Promise<BackendChoice> {
  if (backend !== 'auto' && !BACKENDS.includes(backend)) {
    throw new ProjError(`There is no backend "${backend}"`, {
      code: 'unknown-backend',
      expected: `auto, ${BACKENDS.join(', ')}`,
      received: String(backend),
    });
  }
  const reasons: Unavailable[] = [];
  for (const name of backend === 'auto' ? BACKENDS : [backend]) {
    const { tfName, activate, fix } = candidates[name];
    try {
      const version = await activate();
      return { backend: name, tfName, version, reasons };
    } catch (cause) {
      const reason = oneLine(cause instanceof Error ? cause.message : String(cause));
      if (name === backend) {
        throw new ProjError(`Backend ${name} was asked for but does not work here`, {
          code: 'backend-unavailable',
          expected: `${name} to be usable`,
          received: reason,
          fix: `${fix} Or leave the choice to "auto"`,
          cause,
        });
      }
      reasons.push({ backend: name, available: false, reason });
    }
  }
  throw new ProjError('No backend works on this machine', {
    code: 'backend-unavailable',
    expected: `one of ${BACKENDS.join(', ')}`,
    received: reasons.map(({ backend, reason }) => `${backend}: ${reason}`).join('; '),
    fix: 'Install @tensorflow/tfjs',
  });
}

const printed = new Set<string>();

/**
 * One line: what was chosen and why the better ones were not, e.g. `Backend: wasm (tfjs-backend-wasm 4.22.0, SIMD); not
 * tfjs-node-gpu: @tensorflow/tfjs-node-gpu is not installed; ...`. Given to `print` (by default `console.log`) the first
 * time in a process; returned always.
 */
export function describeChoice(
  { backend, version, reasons }: BackendChoice,
  print: (line: string) => void = console.log,
): string {
  const chosen = `Backend: ${backend}${version === undefined ? '' : ` (${version})`}`;
  const line = [chosen, ...reasons.map((better) => `not ${better.backend}: ${better.reason}`)].join('; ');
  if (!printed.has(line)) print(line);
  printed.add(line);
  return line;
}

function oneLine(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .trim()
    .replace(/\.$/, '');
}
