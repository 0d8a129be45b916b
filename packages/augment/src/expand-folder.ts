import { appendFile, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProjError, Rng } from '@proj/core';
import { makeFolder, writeFileAtomic } from '@proj/core/node';
import { copiesOf, findEarlierRun, jobName, listPictures, manifestName } from './expansion-files.js';
import { isBytes } from './image.js';
import { decodePicture, encodePicture } from './picture-file.js';
import { fromJSON } from './registry.js';
import { run, type TransformJson } from './transform.js';

/** One line of a folder's `augment.jsonl`: which picture a copy was made of, and what chance decided for it. */
export interface ExpansionRecord {
  /** Path within the folder, with `/`. */
  readonly file: string;
  /** Path within the input folder. */
  readonly source: string;
  /** Number of the copy of this source, from 0. */
  readonly copy: number;
  /** For the pipeline's `apply`. */
  readonly params: unknown;
}

export interface ExpandFolderOptions {
  /** Folder of pictures (PNG, JPEG, WebP, AVIF, GIF), subfolders included; hidden files are passed over. */
  readonly input: string;
  /** Folder for the copies, made where it is missing; subfolders stay as they are in `input`. */
  readonly out: string;
  /** Copies of each picture. */
  readonly copies: number;
  /** What makes them, as JSON; it must end in bytes, so without `normalize`. */
  readonly pipeline: TransformJson | readonly TransformJson[];
  /** Any finite number. A copy depends on it, the source's path and its number alone. */
  readonly seed: number;
  /** Called as copies are done, with how many of all. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
  /** Stops between copies; the same call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

export interface ExpandFolderResult {
  /** Copies written by this call. */
  readonly written: number;
  /** Copies that an earlier call had written. */
  readonly kept: number;
  /** Path of `augment.jsonl`. */
  readonly manifest: string;
}

/** Copies between two entries in the manifest. */
const CHUNK = 32;

/**
 * Writes `copies` augmented copies of every picture of a folder as PNG files `{name}_{copy}.png`, with a manifest
 * `augment.jsonl`, an {@link ExpansionRecord} a line, and the settings in `augment.json`.
 *
 * Every file appears whole or not at all. A call that was stopped or killed goes on when it is repeated; copies that have gone
 * missing are made again. A folder that holds anything else, or copies by other settings, is refused: nothing is ever
 * overwritten.
 *
 * @throws ProjError `folder-not-empty`, `no-pictures`, `name-collision`, `folder-in-folder`, `invalid-option`, `cannot-read`,
 * `cannot-decode`, `too-many-pixels`, `not-bytes`, `disk-full`, `cannot-write`, and what the pipeline says; the signal's
 * reason when stopped.
 */
export async function expandFolder({
  input,
  out,
  copies,
  pipeline,
  seed,
  onProgress,
  signal,
}: ExpandFolderOptions): Promise<ExpandFolderResult> {
  if (!Number.isInteger(copies) || copies < 1) throw invalid('copies', 'a positive integer', copies);
  const transform = fromJSON(pipeline);
  const stream = new Rng(seed).split('expand');
  const sources = await listPictures(input, out);
  const all = copiesOf(sources, copies);
  const job = `${JSON.stringify({ seed, copies, sources: sources.length, pipeline: transform }, null, 2)}\n`;
  const { lines, present } = await findEarlierRun(out, job, all);

  async function make(place: number): Promise<string> {
    const { file, source, copy } = all[place]!;
    const image = await decodePicture(join(input, source));
    const made = run(transform, image, stream.split(source, copy));
    if (!isBytes(made.image)) throw notBytes();
    await writeFileAtomic(join(out, file), await encodePicture(made.image, file));
    const record: ExpansionRecord = { file, source, copy, params: made.params };
    return JSON.stringify(record);
  }

  const manifest = join(out, manifestName);
  for (const folder of new Set(all.map(({ file }) => dirname(join(out, file))))) await makeOwnFolder(folder);
  await writeFileAtomic(join(out, jobName), job);
  await writeFileAtomic(manifest, lines.map((line) => `${line}\n`).join(''));
  const missing = lines.flatMap((_, place) => (present.has(all[place]!.file) ? [] : [place]));
  const places = [...missing, ...all.map((_, place) => place).slice(lines.length)];
  for (let start = 0; start < places.length; start += CHUNK) {
    signal?.throwIfAborted();
    const chunk = places.slice(start, start + CHUNK);
    const made = await allOf(chunk.map(make));
    const fresh = made.filter((_, i) => chunk[i]! >= lines.length);
    await append(manifest, fresh.map((line) => `${line}\n`).join(''));
    onProgress?.({ done: all.length - places.length + start + chunk.length, total: all.length });
  }
  return { written: places.length, kept: all.length - places.length, manifest };
}

/**
 * Reads the manifest of a folder that {@link expandFolder} wrote.
 * @throws ProjError `cannot-read`.
 */
export async function readExpansion(out: string): Promise<ExpansionRecord[]> {
  const manifest = join(out, manifestName);
  try {
    const text = await readFile(manifest, 'utf8');
    return text
      .split('\n')
      .slice(0, -1) // what follows the last line end is empty or cut off
      .map((line) => JSON.parse(line) as ExpansionRecord);
  } catch (cause) {
    throw new ProjError(`Cannot read ${manifest}: ${(cause as Error).message}`, { code: 'cannot-read', cause });
  }
}

/** Waits for all, also when one fails, so that nothing is written after the error is thrown. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function append(path: string, text: string): Promise<void> {
  try {
    await appendFile(path, text, { flush: true });
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

async function makeOwnFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
}

function cannotWrite(path: string, cause: unknown): ProjError {
  const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException)?.code ?? '');
  return new ProjError(`Cannot write ${path}: ${full ? 'no room left on the disk' : (cause as Error).message}`, {
    code: full ? 'disk-full' : 'cannot-write',
    fix: full ? 'Free some room and repeat the call: it goes on from there' : 'Check that the folder may be written to',
    cause,
  });
}

function invalid(option: string, expected: string, received: unknown): ProjError {
  return new ProjError(`Invalid \`${option}\``, { code: 'invalid-option', expected, received: String(received) });
}

function notBytes(): ProjError {
  return new ProjError('Real numbers cannot be written as pictures', {
    code: 'not-bytes',
    expected: 'a pipeline without `normalize` and `standardize`',
    received: 'a picture of real numbers',
    fix: 'Leave normalising to training',
  });
}
