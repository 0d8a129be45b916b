import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProjError } from '@proj/core';
import { makeFolder, writeFileAtomic } from '@proj/core/node';
import { fileOf, findEarlierRun, manifestName, removeCaptchas } from './earlier-run.js';
import type { CaptchaParameters } from './style.js';

/** One line of a folder's `labels.jsonl`: enough to know a picture and to make it again. */
export interface ManifestRecord<P extends CaptchaParameters = CaptchaParameters> {
  /** Name within the folder: the picture, or the tar file that holds it. */
  readonly file: string;
  /** In a tar file, what the names of the picture's files begin with. */
  readonly key?: string;
  readonly label: string;
  readonly seed: number;
  readonly index: number;
  readonly parameters: P;
}

/** What a call is about to write, place by place from 0 on. */
export interface Job {
  readonly out: string;
  readonly overwrite: boolean;
  /** Places in all. */
  readonly count: number;
  /** Places whose files a killed call may have written before their lines. */
  readonly ahead: number;
  /** All names that the job's files may have. */
  readonly names: RegExp;
  fileAt(place: number): string;
  lineAt(place: number): string;
}

/** What of a job stands already. */
export interface Progress {
  /** Path of the manifest. */
  readonly manifest: string;
  /** Lines of it, one for each place from 0 on. */
  readonly lines: readonly string[];
  /** Names of all files. */
  readonly files: ReadonlySet<string>;
}

/**
 * Looks whether the folder is empty or holds what an earlier call of the same job wrote, and nothing else.
 * @throws ProjError `folder-not-empty`, `disk-full` or `cannot-write`.
 */
export async function resumeJob({ out, overwrite, count, ahead, names, fileAt, lineAt }: Job): Promise<Progress> {
  await guard(out, () => makeFolder(out));
  if (overwrite) await guard(out, () => removeCaptchas(out, names));
  const { begun, lines, files } = await guard(out, () => findEarlierRun(out));
  const known = new Set(lines.map(fileOf));
  const next = new Set(range(lines.length, Math.min(lines.length + ahead, count)).map(fileAt));
  const others = [...files].filter((file) => !known.has(file) && !next.has(file));
  const sameJob =
    lines.length <= count &&
    [0, lines.length - 1].every((place) => lines.length === 0 || lines[place] === lineAt(place)) &&
    !known.has(undefined) &&
    !others.some((file) => (begun || overwrite ? names.test(file) : true));
  if (!sameJob) throw folderNotEmpty(out);
  const manifest = join(out, manifestName);
  await writeFileAtomic(manifest, lines.map((line) => `${line}\n`).join(''));
  return { manifest, lines, files };
}

/**
 * @param flush whether all lines are to be safely on the disk before it ends.
 * @throws ProjError `disk-full` or `cannot-write`.
 */
export async function appendLines(manifest: string, lines: readonly string[], flush: boolean): Promise<void> {
  await guard(manifest, () => appendFile(manifest, lines.map((line) => `${line}\n`).join(''), { flush }));
}

export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
}

/** Turns the file system's errors into ones that name the path and the mend. */
async function guard<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException)?.code ?? '');
    throw new ProjError(`Cannot write ${path}: ${full ? 'no room left on the disk' : (cause as Error).message}`, {
      code: full ? 'disk-full' : 'cannot-write',
      fix: full
        ? 'Free some room and repeat the call: it goes on from there'
        : 'Check that the folder may be written to',
      cause,
    });
  }
}

export function folderNotEmpty(folder: string): ProjError {
  return new ProjError(`Will not write captchas into ${folder}`, {
    code: 'folder-not-empty',
    expected: 'an empty folder, or one that the same style, seed and start began',
    received: 'a folder that holds other files',
    fix: 'Choose another folder, or set `overwrite` (--overwrite) to delete the captchas in it',
  });
}
