import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ProjError } from './error.js';
import { makeFolder } from './make-folder.js';

/**
 * Writes a whole file so that a reader, a killed process or a full disk never shows half of it: a temporary file in the
 * same folder, fsync, rename over the target, fsync of the folder. Missing folders are made. What stood at `path`
 * stays untouched until the new content is safely on the disk.
 *
 * @throws ProjError `disk-full` (ENOSPC, EDQUOT) or `cannot-write` (anything else), with the system's error as cause.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryFor(path);
  try {
    await makeFolder(folder);
    await writeFile(temporary, data, { flag: 'wx', flush: true });
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw describe(path, cause);
  }
}

/**
 * The same at once and without fsync, for many small files that can be made again: whole after a kill, but after a power
 * failure perhaps empty or damaged. The folder must be there.
 *
 * @throws ProjError as {@link writeFileAtomic}.
 */
export function writeFileAtomicSync(path: string, data: string | Uint8Array): void {
  const temporary = temporaryFor(path);
  try {
    writeFileSync(temporary, data, { flag: 'wx' });
    renameSync(temporary, path);
  } catch (cause) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // What stood in the way of writing counts.
    }
    throw describe(path, cause);
  }
}

/** Names have at most 255 bytes: 50 UTF-16 units take 150 of them, what is added 42. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 50)}.${randomUUID()}.tmp`);
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
