import { join } from 'node:path';
import { writeFileAtomic } from '@proj/core/node';
import { createTar } from 'nanotar';
import type { CaptchaFile } from './draw-indices.js';
import { checkThreads, drawChunks, overlapping } from './draw-pool.js';
import { fileOf } from './earlier-run.js';
import { appendLines, folderNotEmpty, type ManifestRecord, range, resumeJob } from './output-folder.js';
import { checkCount, rangeOf } from './sequence.js';
import type { CaptchaStyle } from './style.js';
import type { WriteOptions } from './write-folder.js';

export interface WriteTarsOptions extends WriteOptions {
  /** Pictures in each file but the last, 1..100,000; a file is put together in memory. Default 1000. */
  readonly perTar?: number | undefined;
}

export interface WriteTarsResult {
  /** Pictures written by this call. */
  readonly written: number;
  /** Pictures that an earlier call had written. */
  readonly kept: number;
  /** Path of `labels.jsonl`. */
  readonly manifest: string;
  /** Names of all tar files in the folder, in order. */
  readonly tars: readonly string[];
}

const MAX_PER_TAR = 100_000;

/**
 * Writes captchas as tar files in the form of WebDataset: `captchas-000000.tar`, ... with three files for each picture, `.png`,
 * `.txt` (the label) and `.json` (the line that the manifest `labels.jsonl` has for it), named by its index in nine digits.
 * The same call gives the same bytes; shards split between files, so theirs together are those of one call.
 *
 * Every tar file appears whole or not at all. A call that was stopped or killed goes on when it is repeated, also with a larger
 * count; files that have gone missing are made again. What `writeFolder` refuses or deletes, this does too.
 *
 * @throws ProjError as `writeFolder`, but for patterns.
 */
export async function writeTars(
  style: CaptchaStyle,
  { out, perTar = 1000, overwrite = false, threads = 0, onProgress, signal, ...sequence }: WriteTarsOptions,
): Promise<WriteTarsResult> {
  const { seed } = sequence;
  checkCount('perTar', perTar, 1, MAX_PER_TAR);
  checkThreads(style, threads);
  const { start, count } = rangeOf(sequence, perTar);
  const firstTar = (start - (sequence.startIndex ?? 0)) / perTar;
  const fileAt = (place: number) => `captchas-${String(firstTar + Math.floor(place / perTar)).padStart(6, '0')}.tar`;

  const keyOf = (index: number) => String(index).padStart(9, '0');

  function lineOf({ index, label, parameters }: Omit<CaptchaFile, 'bytes'>): string {
    const record: ManifestRecord = { file: fileAt(index - start), key: keyOf(index), label, seed, index, parameters };
    return JSON.stringify(record);
  }

  function lineAt(place: number): string {
    const index = start + place;
    return lineOf({ ...style.generate(seed, index), index });
  }

  const { manifest, lines, files } = await resumeJob({
    out,
    overwrite,
    count,
    ahead: perTar,
    names: /^captchas-\d{6,}\.tar$/,
    fileAt,
    lineAt,
  });
  if (lines.some((line, place) => fileOf(line) !== fileAt(place))) throw folderNotEmpty(out); // another `perTar`
  const tars = range(0, Math.ceil(count / perTar));
  const isDone = (tar: number) =>
    Math.min(count, (tar + 1) * perTar) <= lines.length && files.has(fileAt(tar * perTar));
  const open = tars.filter((tar) => !isDone(tar));
  const sizeOf = (tar: number) => Math.min(count, (tar + 1) * perTar) - tar * perTar;
  let done = count - open.reduce((sum, tar) => sum + sizeOf(tar), 0);
  const kept = done;

  const chunks = open.flatMap((tar) => {
    const end = start + tar * perTar + sizeOf(tar);
    return range(0, Math.ceil(sizeOf(tar) / CHUNK)).map((i) => {
      const from = start + tar * perTar + i * CHUNK;
      return range(from, Math.min(from + CHUNK, end));
    });
  });
  let tar = emptyTar();
  await overlapping(drawChunks(style, chunks, { seed, threads, asFiles: true, signal }), signal, async (drawn) => {
    for (const file of drawn.files) {
      const [key, line] = [keyOf(file.index), lineOf(file)];
      tar.lines.push(line);
      tar.files.push(
        { name: `${key}.png`, data: file.bytes, attrs },
        { name: `${key}.txt`, data: file.label, attrs },
        { name: `${key}.json`, data: line, attrs },
      );
    }
    done += drawn.files.length;
    const last = drawn.indices.at(-1)! - start;
    if ((last + 1) % perTar === 0 || last + 1 === count) {
      await writeFileAtomic(join(out, fileAt(last)), createTar(tar.files));
      const fresh = tar.lines.slice(Math.max(0, lines.length - (last + 1 - tar.lines.length)));
      await appendLines(manifest, fresh, true);
      tar = emptyTar();
    }
    onProgress?.({ done, total: count });
  });
  return { written: count - kept, kept, manifest, tars: tars.map((number) => fileAt(number * perTar)) };
}

/** Captchas drawn and encoded at a time. */
const CHUNK = 64;

/** The same on every machine and day. */
const attrs = { mtime: 0, uid: 0, gid: 0, user: '', group: '', mode: '644' };

function emptyTar() {
  return { lines: [] as string[], files: [] as { name: string; data: Uint8Array | string; attrs: typeof attrs }[] };
}
