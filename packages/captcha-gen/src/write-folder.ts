import { join } from 'node:path';
import { writeFileAtomic } from '@proj/core/node';
import type { DrawnCaptchas } from './draw-indices.js';
import { drawChunks, overlapping } from './draw-pool.js';
import { fileOf } from './earlier-run.js';
import { defaultPattern, fileNameMatcher, fileNamer } from './file-name.js';
import { appendLines, type ManifestRecord, range, resumeJob } from './output-folder.js';
import { encodePng } from './png.js';
import { rangeOf, type SequenceOptions } from './sequence.js';
import type { CaptchaStyle } from './style.js';

/** How captchas are written, whatever the form. */
export interface WriteOptions extends SequenceOptions {
  /** The folder; made where it is missing. */
  readonly out: string;
  /** Whether captchas that stand in the folder already may be deleted. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Worker threads that draw; the encoder has its own. They change nothing but the speed. Default 0: the calling thread. */
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

/**
 * Writes captchas `startIndex .. startIndex + count - 1` of `seed` (of these, those of `shard`) as PNG files with a manifest
 * `labels.jsonl`, a {@link ManifestRecord} a line in order.
 *
 * Every picture appears whole or not at all. A call that was stopped or killed goes on when it is repeated, also with a
 * larger count; pictures that have gone missing are made again. Any other folder that holds files (hidden ones aside)
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

  function recordOf({ labels, indices, parameters }: DrawnCaptchas, i: number): ManifestRecord {
    const [index, label] = [indices[i]!, labels[i]!];
    return { file: nameOf(index, label), label, seed, index, parameters: parameters[i]! };
  }

  function recordAt(place: number): ManifestRecord {
    const { label, parameters } = style.generate(seed, start + place);
    return recordOf(
      { data: new Uint8ClampedArray(), labels: [label], indices: [start + place], parameters: [parameters] },
      0,
    );
  }

  async function writePictures(drawn: DrawnCaptchas): Promise<string[]> {
    const { width, height } = style;
    const size = width * height * 3;
    return allOf(
      drawn.labels.map(async (_, i) => {
        const record = recordOf(drawn, i);
        const data = drawn.data.subarray(i * size, (i + 1) * size);
        await writeFileAtomic(join(out, record.file), await encodePng({ data, width, height, channels: 3 }));
        return JSON.stringify(record);
      }),
    );
  }

  const { manifest, lines, files } = await resumeJob({
    out,
    overwrite,
    count,
    ahead: CHUNK,
    names: fileNameMatcher(pattern),
    fileAt: (place) => recordAt(place).file,
    lineAt: (place) => JSON.stringify(recordAt(place)),
  });
  const missing = range(0, lines.length).filter((place) => !files.has(fileOf(lines[place]!)!));
  const places = [...missing, ...range(lines.length, count)];
  let done = count - places.length;
  const kept = done;
  const chunks = range(0, Math.ceil(places.length / CHUNK)).map((i) =>
    places.slice(i * CHUNK, (i + 1) * CHUNK).map((place) => start + place),
  );
  await overlapping(drawChunks(style, chunks, { seed, threads, describe: true, signal }), signal, async (drawn) => {
    const written = await writePictures(drawn);
    await appendLines(
      manifest,
      written.filter((_, i) => drawn.indices[i]! - start >= lines.length),
    );
    done += written.length;
    onProgress?.({ done, total: count });
  });
  return { written: places.length, kept, manifest };
}

/** Waits for all, also when one fails, so that nothing is written after the error is thrown. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
