import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomicSync } from '@proj/core/node';
import type { CaptchaFile } from './draw-indices.js';
import { checkThreads, drawChunks, overlapping } from './draw-pool.js';
import { fileOf } from './earlier-run.js';
import { defaultPattern, fileNameMatcher, fileNamer } from './file-name.js';
import { appendLines, type ManifestRecord, range, resumeJob } from './output-folder.js';
import { isWholePng } from './png.js';
import { rangeOf, type SequenceOptions } from './sequence.js';
import type { CaptchaStyle } from './style.js';

/** How captchas are written, whatever the form. */
export interface WriteOptions extends SequenceOptions {
  /** The folder; made where it is missing. */
  readonly out: string;
  /** Whether captchas that stand in the folder already may be deleted. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Worker threads that draw and encode; they change nothing but the speed. Default 0: the calling thread. */
  readonly threads?: number | undefined;
  /** Called as pictures are done, with how many of all. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
  /** Stops between pictures; the same call goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteFolderOptions extends WriteOptions {
  /** File names: `{i}` becomes the index, `{label}` the label. Default `{i}_{label}.png`. */
  readonly pattern?: string | undefined;
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

/** Pictures whose entries a power failure may take: while the disk is waited for, some file systems make no new files. */
const AT_RISK = 1024;

/**
 * Writes captchas `startIndex .. startIndex + count - 1` of `seed` (of these, those of `shard`) as PNG files with a manifest
 * `labels.jsonl`, a {@link ManifestRecord} a line in order.
 *
 * Every picture appears whole or not at all. A call that was stopped or killed goes on when it is repeated, also with a
 * larger count; pictures that have gone missing or were damaged, as by a power failure, are made again. Any other folder that holds files (hidden ones aside)
 * is refused unless `overwrite` is set: then its manifest, the pictures this lists and all whose names fit `pattern`
 * are deleted first, and what else there is stays. Shards have a folder each.
 *
 * @throws ProjError `folder-not-empty`, `invalid-count`, `invalid-shard`, `invalid-pattern`, `unsafe-label`, `not-threadable`,
 * `worker-failed`, `disk-full` or `cannot-write`; the signal's reason when stopped.
 */
export async function writeFolder(
  style: CaptchaStyle,
  {
    out,
    pattern = defaultPattern,
    overwrite = false,
    threads = 0,
    onProgress,
    signal,
    ...sequence
  }: WriteFolderOptions,
): Promise<WriteFolderResult> {
  const { seed } = sequence;
  const { start, count } = rangeOf(sequence);
  const nameOf = fileNamer(pattern, style.charset);
  checkThreads(style, threads);

  function recordOf({ index, label, parameters }: Omit<CaptchaFile, 'bytes'>): ManifestRecord {
    return { file: nameOf(index, label), label, seed, index, parameters };
  }

  function recordAt(place: number): ManifestRecord {
    const index = start + place;
    return recordOf({ ...style.generate(seed, index), index });
  }

  const { manifest, lines } = await resumeJob({
    out,
    overwrite,
    count,
    ahead: AT_RISK + 2 * CHUNK,
    names: fileNameMatcher(pattern),
    fileAt: (place) => recordAt(place).file,
    lineAt: (place) => JSON.stringify(recordAt(place)),
  });
  const missing: number[] = [];
  for (const place of range(0, lines.length)) {
    const bytes = await readFile(join(out, fileOf(lines[place]!)!)).catch(() => undefined);
    if (bytes === undefined || !isWholePng(bytes)) missing.push(place);
  }
  const places = [...missing, ...range(lines.length, count)];
  let done = count - places.length;
  let atRisk = 0;
  const kept = done;
  const chunks = range(0, Math.ceil(places.length / CHUNK)).map((i) =>
    places.slice(i * CHUNK, (i + 1) * CHUNK).map((place) => start + place),
  );
  await overlapping(drawChunks(style, chunks, { seed, threads, asFiles: true, signal }), signal, async (drawn) => {
    const records = drawn.files.map(recordOf);
    // What a power failure takes is made again: to wait for the disk takes longer than to draw.
    for (const [i, { bytes }] of drawn.files.entries()) writeFileAtomicSync(join(out, records[i]!.file), bytes);
    const fresh = records.filter(({ index }) => index - start >= lines.length);
    done += records.length;
    atRisk += records.length;
    const flush = atRisk >= AT_RISK || done === count;
    const added = fresh.map((record) => JSON.stringify(record));
    await appendLines(manifest, added, flush);
    if (flush) atRisk = 0;
    onProgress?.({ done, total: count });
  });
  return { written: places.length, kept, manifest };
}
