import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';
import { fileOf, findEarlierRun, manifestName, removeCaptchas } from './earlier-run.js';
import { defaultPattern, fileNameMatcher, fileNamer } from './file-name.js';
import { encodePng } from './png.js';
import type { CaptchaParameters, CaptchaStyle } from './style.js';

/** One line of a folder's `labels.jsonl`: enough to know a picture and to make it again. */
export interface ManifestRecord<P extends CaptchaParameters = CaptchaParameters> {
  /** Name within the folder. */
  readonly file: string;
  readonly label: string;
  readonly seed: number;
  readonly index: number;
  readonly parameters: P;
}

export interface WriteFolderOptions {
  /** How many captchas the folder is to hold. */
  readonly count: number;
  /** Any finite number. */
  readonly seed: number;
  /** The folder; made where it is missing. */
  readonly out: string;
  /** Index of the first captcha. Default 0. */
  readonly startIndex?: number | undefined;
  /** File names: `{i}` becomes the index, `{label}` the label. Default `{i}_{label}.png`. */
  readonly pattern?: string | undefined;
  /** Whether captchas that stand in the folder already may be deleted. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Called as pictures are done, with how many of all. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
  /** Stops between pictures; the same call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteFolderResult {
  /** Pictures written by this call. */
  readonly written: number;
  /** Pictures that an earlier call had written. */
  readonly kept: number;
  /** Path of `labels.jsonl`. */
  readonly manifest: string;
}

/** Pictures between two entries in the manifest. */
const CHUNK = 64;

/**
 * Writes captchas `startIndex .. startIndex + count - 1` of `seed` as PNG files with a manifest `labels.jsonl`, a
 * {@link ManifestRecord} a line in order.
 *
 * Every picture appears whole or not at all. A call that was stopped or killed goes on when it is repeated, also with a
 * larger count; pictures that have gone missing are made again. Any other folder that holds files (hidden ones aside)
 * is refused unless `overwrite` is set: then its manifest, the pictures this lists and all whose names fit `pattern`
 * are deleted first, and what else there is stays.
 *
 * @throws ProjError `folder-not-empty`, `invalid-count`, `invalid-pattern`, `unsafe-label`, `disk-full` or `cannot-write`;
 * the signal's reason when stopped.
 */
export async function writeFolder(
  style: CaptchaStyle,
  {
    count,
    seed,
    out,
    startIndex = 0,
    pattern = defaultPattern,
    overwrite = false,
    onProgress,
    signal,
  }: WriteFolderOptions,
): Promise<WriteFolderResult> {
  checkCount('count', count, 1);
  checkCount('startIndex', startIndex, 0);
  const nameOf = fileNamer(pattern, style.charset);

  function captcha(place: number) {
    const index = startIndex + place;
    const { image, label, parameters } = style.generate(seed, index);
    const record: ManifestRecord = { file: nameOf(index, label), label, seed, index, parameters };
    return { image, file: record.file, line: JSON.stringify(record) };
  }

  async function writePicture(place: number): Promise<string> {
    const { image, file, line } = captcha(place);
    await writeFileAtomic(join(out, file), await encodePng(image));
    return line;
  }

  await guard(out, () => mkdir(out, { recursive: true }));
  if (overwrite) await guard(out, () => removeCaptchas(out, pattern));
  const { begun, lines, files } = await guard(out, () => findEarlierRun(out));
  const known = new Set(lines.map(fileOf));
  const next = range(lines.length, Math.min(lines.length + CHUNK, count)).map((place) => captcha(place).file);
  const others = [...files].filter((file) => !known.has(file) && !next.includes(file));
  const sameJob =
    lines.length <= count &&
    [0, lines.length - 1].every((place) => lines.length === 0 || lines[place] === captcha(place).line) &&
    !known.has(undefined) &&
    !others.some((file) => (begun || overwrite ? fileNameMatcher(pattern).test(file) : true));
  if (!sameJob) throw folderNotEmpty(out);

  const missing = range(0, lines.length).filter((place) => !files.has(fileOf(lines[place] as string) as string));
  const places = [...missing, ...range(lines.length, count)];
  const manifest = join(out, manifestName);
  await writeFileAtomic(manifest, lines.map((line) => `${line}\n`).join(''));
  for (let start = 0; start < places.length; start += CHUNK) {
    signal?.throwIfAborted();
    const chunk = places.slice(start, start + CHUNK);
    const written = await allOf(chunk.map(writePicture));
    const fresh = written.filter((_, i) => (chunk[i] as number) >= lines.length);
    await guard(manifest, () => appendFile(manifest, fresh.map((line) => `${line}\n`).join(''), { flush: true }));
    onProgress?.({ done: count - places.length + start + chunk.length, total: count });
  }
  return { written: places.length, kept: count - places.length, manifest };
}

/** Waits for all, also when one fails, so that nothing is written after the error is thrown. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function range(start: number, end: number): number[] {
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

function folderNotEmpty(folder: string): ProjError {
  return new ProjError(`Will not write captchas into ${folder}`, {
    code: 'folder-not-empty',
    expected: 'an empty folder, or one that the same style, seed and start began',
    received: 'a folder that holds other files',
    fix: 'Choose another folder, or set `overwrite` (--overwrite) to delete the captchas in it',
  });
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ProjError('Cannot write this many captchas', {
      code: 'invalid-count',
      expected: `\`${name}\` as an integer of at least ${least}`,
      received: String(value),
    });
  }
}
