import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ProjError } from '@proj/core';

/** Any typed array that a tensor may be made from. */
export type HostArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/** What the native addon exports. Pointers are numbers, storage types those of `native/tensor.h`. */
export interface Addon {
  /** The instruction sets that this machine runs and the addon is compiled for, the best first: see {@link AddonInfo.isa}. */
  isas(): string[];
  /** The ways to compute convolutions that can be forced. */
  convolutions(): string[];
  /**
   * Starts the compute thread (once a process) and makes this environment known. `isa` and `convolution`: one of those, the best
   * by default.
   */
  init(options: { threads: number; isa: string | undefined; convolution?: string | undefined }): AddonInfo;
  /** Before the process ends: returns when no call runs any more. From then on calls run only while something waits for them. */
  leave(): void;
  /** The memory through which {@link run} takes calls. */
  setCommands(commands: Float64Array): void;
  /** Enqueues the call in the command buffer, allocates its outputs. 0: done; 1: out of memory, nothing enqueued. */
  run(): number;
  /**
   * Enqueues calls, as in the command buffer, one after the other, in which a pointer -1 - i stands for the buffer in
   * `slots[i]`. The first slots are given; for the others buffers of `sizes` bytes are made, of which the first `kept` stay in
   * their slots and belong to the caller. Where that takes less than about a millisecond, and nothing is enqueued before, they
   * are run at once. 0: done; 1: out of memory, nothing enqueued or kept.
   */
  replay(program: Float64Array, slots: Float64Array, sizes: Float64Array, kept: number): number;
  /** Copies host values into a new buffer. Returns its pointer, 0 when out of memory. */
  upload(values: HostArray, type: number): number;
  free(pointer: number): void;
  /** Waits for the queue, then copies from a buffer of storage `type`. Returns the message of a kernel that failed and that nobody was told of. */
  read(pointer: number, target: Float32Array | Int32Array | Uint8Array, type: number): string | undefined;
  /**
   * The same without waiting; every read made before the failure was told brings its message. No promise where there are few
   * bytes, and they are there already.
   */
  readAsync(
    pointer: number,
    target: Float32Array | Int32Array | Uint8Array,
    type: number,
  ): Promise<string | undefined> | undefined;
  /** Waits for the queue. Returns as {@link read} does. */
  sync(): string | undefined;
  memory(): {
    liveBytes: number;
    liveBuffers: number;
    highWaterBytes: number;
    peakLiveBytes: number;
    keptBytes: number;
  };
  trim(): void;
  profile(): { op: string; calls: number; milliseconds: number; flops: number }[];
  resetProfile(): void;
}

export interface AddonInfo {
  /** Names of the operations; a name's index is its number in the command buffer. */
  readonly ops: readonly string[];
  readonly threads: number;
  /** The instruction set in use: `amx`, `avx512_bf16`, `avx512`, `avx2` or `baseline`. */
  readonly isa: string;
  /** Version of oneDNN, e.g. `2.6.3`. */
  readonly onednn: string;
}

/** The addon as this thread has loaded it. */
export interface Loaded {
  readonly addon: Addon;
  readonly info: AddonInfo;
  /** The command buffer, shared by all backend instances of the thread. {@link growCommands} replaces it. */
  commands: Float64Array;
}

const PLATFORM_PACKAGE = '@proj/tfjs-backend-onednn-linux-x64-gnu';

let loaded: Loaded | ProjError | undefined;

/**
 * The addon: the build of a checkout first, then the package for this platform. Loaded once a thread.
 *
 * @throws ProjError `addon-missing` with the ways out when there is none that loads; `invalid-option` when `PROJ_ONEDNN_ISA`
 *   names an instruction set that is not there, or `PROJ_ONEDNN_CONVOLUTION` what is no way to compute convolutions.
 */
export function loadAddon(): Loaded {
  loaded ??= tryLoad();
  if (loaded instanceof ProjError) throw loaded;
  return loaded;
}

/** Replaces the command buffer by one with room for `length` numbers. */
export function growCommands(loaded: Loaded, length: number): Float64Array {
  loaded.commands = new Float64Array(length);
  loaded.addon.setCommands(loaded.commands);
  return loaded.commands;
}

/**
 * Whether this machine can run the backend; the reason when it cannot. Never throws. `available` means that the addon
 * and the libraries it needs have been loaded.
 */
export function isAvailable(): { available: boolean; reason?: string } {
  try {
    loadAddon();
    return { available: true };
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function tryLoad(): Loaded | ProjError {
  const reasons: string[] = [];
  for (const folder of [localBuild(), platformPackage()]) {
    if (folder === undefined) continue;
    try {
      return start(folder);
    } catch (error) {
      if (error instanceof ProjError) return error;
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return new ProjError('The native addon of @proj/tfjs-backend-onednn cannot be loaded', {
    code: 'addon-missing',
    expected: `the package ${PLATFORM_PACKAGE}, or a checkout's own build (build/onednn.node)`,
    received: `on ${process.platform}-${process.arch} ${reasons.length === 0 ? 'neither' : reasons.join('; ')}`,
    fix:
      `Ways out: on 64-bit x86 Linux with glibc 2.34 or later \`npm install --include=optional ${PLATFORM_PACKAGE}\` in ` +
      "this package's version; with an older glibc build it from a checkout (libdnnl-dev, g++ and make, then " +
      '`npm run package:native` in packages/tfjs-backend-onednn) and install the folder that it names; elsewhere use ' +
      'another backend, such as @tensorflow/tfjs-backend-wasm, which @proj/backends chooses by itself.',
  });
}

/** The folder of the checkout's own build, both from `src` and from `dist`. An installed package has none. */
function localBuild(): string | undefined {
  return withAddon(join(dirname(fileURLToPath(import.meta.url)), '../build'));
}

function platformPackage(): string | undefined {
  try {
    return withAddon(join(createRequire(import.meta.url).resolve(`${PLATFORM_PACKAGE}/package.json`), '../lib'));
  } catch {
    return undefined;
  }
}

/** In a checkout the platform package is there but empty. */
function withAddon(folder: string): string | undefined {
  return existsSync(join(folder, 'onednn.node')) ? folder : undefined;
}

function start(folder: string): Loaded {
  const require = createRequire(import.meta.url);
  // Sets OMP_WAIT_POLICY before the second addon brings libgomp, which reads it while loading. process.env will not do:
  // in a worker thread it is a copy.
  require(join(folder, 'environment.node'));
  const addon = require(join(folder, 'onednn.node')) as Addon;
  const isas = addon.isas();
  const isa = process.env.PROJ_ONEDNN_ISA || undefined;
  if (isa !== undefined && !isas.includes(isa)) {
    throw new ProjError('PROJ_ONEDNN_ISA names an instruction set that is not there', {
      code: 'invalid-option',
      expected: `${isas.join(', ')}: what this machine runs and ${folder} is compiled for`,
      received: isa,
      fix: 'Unset it for the best there is. A checkout is compiled for this machine; `node scripts/build-native.mjs --all` compiles every set.',
    });
  }
  const convolutions = addon.convolutions();
  const convolution = process.env.PROJ_ONEDNN_CONVOLUTION || undefined;
  if (convolution !== undefined && !convolutions.includes(convolution)) {
    throw new ProjError('PROJ_ONEDNN_CONVOLUTION names no way to compute convolutions', {
      code: 'invalid-option',
      expected: `${convolutions.join(', ')}: a way that is taken wherever it is possible`,
      received: convolution,
      fix: 'Unset it for the fastest.',
    });
  }
  const threads = Number.parseInt(process.env.OMP_NUM_THREADS ?? '', 10);
  const info = addon.init({
    threads: threads > 0 ? threads : availableParallelism(),
    isa,
    convolution,
  });
  // Of a worker thread Node ends the environment, which drops its calls.
  if (isMainThread) process.once('exit', () => addon.leave());
  const commands = new Float64Array(4096);
  addon.setCommands(commands);
  return { addon, info, commands };
}
