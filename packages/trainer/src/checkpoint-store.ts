import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isProjError, ProjError } from '@proj/core';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint-file.js';

const STEP_FILE = /^step-(\d{8,})\.safetensors$/;
const BEST_FILE = 'best.safetensors';
/** What a process killed in the middle of `writeFileAtomic` leaves behind. */
const HALF_WRITTEN = /^\.(step-\d{8,}|best)\.safetensors\..*\.tmp$/;

/** A folder of checkpoints of one run. */
export interface CheckpointStore {
  /** Files `step-*.safetensors`, newest first. */
  list(): Promise<string[]>;
  /** Writes `step-<steps>.safetensors`, then removes all but the newest `keep`. */
  save(checkpoint: Checkpoint): Promise<string>;
  /** Writes `best.safetensors`. */
  saveBest(checkpoint: Checkpoint): Promise<string>;
  /**
   * The newest checkpoint that verifies, undefined in a folder without any.
   *
   * @param onInvalid told of each newer one that does not verify.
   * @throws ProjError `no-valid-checkpoint` when there are some and none verifies.
   */
  loadNewest(
    onInvalid: (path: string, error: ProjError) => void,
  ): Promise<{ path: string; checkpoint: Checkpoint } | undefined>;
  /** Reads `best.safetensors`; undefined where there is none. */
  loadBest(): Promise<{ path: string; checkpoint: Checkpoint } | undefined>;
  /**
   * To be called by the run that is about to write here: removes half-written files of a process that was killed, and
   * renames damaged checkpoints to `*.damaged`, so that they neither count for `keep` nor come first again. Mere
   * tidiness: where it fails, saving will fail and say why.
   */
  takeOver(damaged: readonly string[]): Promise<void>;
  /** Removes every checkpoint. */
  clear(): Promise<void>;
}

/** The checkpoints of a folder, which need not exist. */
export function checkpointStore(dir: string, keep: number): CheckpointStore {
  const names = async () => {
    try {
      return await readdir(dir);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new ProjError(`Cannot read the checkpoint folder ${dir}`, {
        code: 'cannot-read',
        expected: 'a folder that may be read',
        received: (cause as Error).message,
        cause,
      });
    }
  };
  const list = async () => {
    const steps = (await names()).filter((name) => STEP_FILE.test(name));
    return steps.sort((a, b) => stepOf(b) - stepOf(a)).map((name) => join(dir, name));
  };
  const remove = (paths: readonly string[]) => Promise.all(paths.map((path) => rm(path, { force: true })));

  return {
    list,
    async save(checkpoint) {
      const path = join(dir, `step-${String(checkpoint.run.step).padStart(8, '0')}.safetensors`);
      await writeCheckpoint(path, checkpoint);
      await remove((await list()).slice(keep));
      return path;
    },
    async saveBest(checkpoint) {
      const path = join(dir, BEST_FILE);
      await writeCheckpoint(path, checkpoint);
      return path;
    },
    async loadNewest(onInvalid) {
      const paths = await list();
      for (const path of paths) {
        try {
          return { path, checkpoint: await readCheckpoint(path) };
        } catch (error) {
          if (!isProjError(error, 'invalid-checkpoint')) throw error;
          onInvalid(path, error);
        }
      }
      if (paths.length === 0) return undefined;
      throw new ProjError(`No checkpoint in ${dir} can be used`, {
        code: 'no-valid-checkpoint',
        expected: 'at least one intact checkpoint',
        received: `${paths.length} damaged ones, the newest ${paths[0]}`,
        fix: 'Put a copy of an intact checkpoint there, or remove the folder to start anew',
      });
    },
    async loadBest() {
      if (!(await names()).includes(BEST_FILE)) return undefined;
      const path = join(dir, BEST_FILE);
      return { path, checkpoint: await readCheckpoint(path) };
    },
    async takeOver(damaged) {
      const leftovers = (await names()).filter((name) => HALF_WRITTEN.test(name)).map((name) => join(dir, name));
      await remove(leftovers).catch(() => undefined);
      for (const path of damaged) await rename(path, `${path}.damaged`).catch(() => undefined);
    },
    async clear() {
      await remove([...(await list()), join(dir, BEST_FILE)]);
    },
  };
}

function stepOf(name: string): number {
  return Number(STEP_FILE.exec(name)?.[1]);
}
