import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProjError } from './error.js';

/**
 * Writes a whole file so that a reader, a killed process or a full disk never shows half of it: a temporary file in the
 * same folder, fsync, rename over the target, fsync of the folder. Missing folders are made. What stood at `path`
 * stays untouched until the new content is safely on the disk.
 *
 * @throws ProjError `disk-full` (ENOSPC, EDQUOT) or `cannot-write` (anything else), with the system's error as cause.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeFilesAtomic(dirname(path), [{ name: basename(path), data }]);
}

/** A file of a folder. */
export interface NamedFile {
  readonly name: string;
  readonly data: string | Uint8Array;
}

/**
 * Writes files into a folder, each as {@link writeFileAtomic} does, side by side and with one fsync of the folder for all, which
 * for many small ones saves half the time. When this fails, some may stand there; when it ends, all are safely on the disk.
 *
 * @throws ProjError `disk-full` (ENOSPC, EDQUOT) or `cannot-write` (anything else), with the system's error as cause, once
 * nothing is written any more.
 */
export async function writeFilesAtomic(folder: string, files: readonly NamedFile[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw describe(folder, cause);
  }
  const writing = files.map(({ name, data }) => replaceFile(join(folder, name), data));
  await Promise.allSettled(writing);
  await Promise.all(writing);
  try {
    await syncFolder(folder);
  } catch (cause) {
    throw describe(folder, cause);
  }
}

async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, data, { flag: 'wx', flush: true });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw describe(path, cause);
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function describe(path: string, cause: unknown): ProjError {
  const code = (cause as NodeJS.ErrnoException)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ProjError(`Cannot write ${path}: no room left on the disk`, {
      code: 'disk-full',
      fix: 'Free some room or choose another folder; what stood there before is unchanged',
      cause,
    });
  }
  return new ProjError(`Cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    code: 'cannot-write',
    fix: 'Check that the folder exists and may be written to',
    cause,
  });
}
