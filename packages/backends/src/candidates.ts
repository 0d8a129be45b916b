import * as tf from '@tensorflow/tfjs';
import { activateWasm } from './wasm.js';

/** The backends of this package, the best first. */
export const BACKENDS = ['tfjs-node-gpu', 'onednn', 'tfjs-node', 'wasm', 'cpu'] as const;

export type BackendName = (typeof BACKENDS)[number];

/** How one backend is made the active one; fails with an error whose message is the reason. */
export interface Candidate {
  /** Name by which `tf.setBackend` knows it. */
  readonly tfName: string;
  /** Makes it active, and returns its version with what else is worth knowing. */
  activate(): Promise<string>;
  /** What a user does to get it. */
  readonly fix: string;
}

export const candidates: Readonly<Record<BackendName, Candidate>> = {
  'tfjs-node-gpu': {
    tfName: 'tensorflow',
    fix: 'Install @tensorflow/tfjs-node-gpu on a machine with an NVIDIA GPU and the CUDA version its README names.',
    activate: () => activateTensorFlow('@tensorflow/tfjs-node-gpu', true),
  },
  onednn: {
    tfName: 'onednn',
    fix: 'Install @proj/tfjs-backend-onednn (64-bit x86 Linux), or build it in the checkout.',
    activate: activateOnednn,
  },
  'tfjs-node': {
    tfName: 'tensorflow',
    fix: 'Install @tensorflow/tfjs-node under a Node version that it supports (up to 22).',
    activate: () => activateTensorFlow('@tensorflow/tfjs-node', false),
  },
  wasm: {
    tfName: 'wasm',
    fix: 'Install @tensorflow/tfjs-backend-wasm; it runs wherever WebAssembly does.',
    activate: activateWasm,
  },
  cpu: {
    tfName: 'cpu',
    fix: 'Install @tensorflow/tfjs, which brings it.',
    activate: async () => {
      await setBackend('cpu');
      return `tfjs ${tf.version_core}, plain JavaScript`;
    },
  },
};

/** Makes a registered backend the active one; tfjs itself would only warn when that fails. */
async function setBackend(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs cannot start its backend "${name}"`);
}

/** Imports an optional peer; the specifier is a variable, so that nothing resolves it before it is needed. */
async function load<T>(specifier: string): Promise<T> {
  try {
    return (await import(specifier)) as T;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${specifier}'`);
    // In place of an optional peer that is absent Vite puts a module that throws.
    const replaced = message?.startsWith(`Could not resolve "${specifier}"`);
    throw missing || replaced ? new Error(`${specifier} is not installed`) : error;
  }
}

/** What is needed here of `@proj/tfjs-backend-onednn`. */
interface OnednnPackage {
  isAvailable(): { available: boolean; reason?: string };
}

async function activateOnednn(): Promise<string> {
  const { isAvailable } = await load<OnednnPackage>('@proj/tfjs-backend-onednn');
  const { available, reason } = isAvailable();
  if (!available) throw new Error(reason);
  await setBackend('onednn');
  const { info } = tf.backend() as unknown as { info: { onednn: string; isa: string; threads: number } };
  return `oneDNN ${info.onednn}, ${info.isa}, ${info.threads} threads`;
}

/** What is needed here of `@tensorflow/tfjs-node` and `-gpu`. */
interface TensorFlowPackage {
  readonly version: Readonly<Record<string, string>>;
}

/** Why a package that was loaded does not work; it cannot be loaded a second time. */
const failures = new Map<string, unknown>();

async function activateTensorFlow(specifier: string, gpu: boolean): Promise<string> {
  if (failures.has(specifier)) throw failures.get(specifier);
  const { version } = await load<TensorFlowPackage>(specifier);
  try {
    await setBackend('tensorflow');
    const { isUsingGpuDevice } = tf.backend() as unknown as { isUsingGpuDevice?: boolean };
    if (gpu && isUsingGpuDevice !== true) throw new Error('TensorFlow finds no CUDA device');
    // To load is not to work: under Node 23 and up every kernel fails, for want of functions that Node has dropped.
    tf.tidy(() => tf.add([1], 1).dataSync());
  } catch (error) {
    failures.set(specifier, error);
    // Both packages register under one name: room for the other.
    for (const { kernelName } of tf.getKernelsForBackend('tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
    tf.removeBackend('tensorflow');
    throw error;
  }
  return `${specifier} ${version['tfjs-node'] ?? version.tfjs ?? ''}`.trim();
}
