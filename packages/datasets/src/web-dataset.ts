import { type FileHandle, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Image, ProjError } from '@proj/core';
import { FileByteReader, StreamByteReader } from './byte-reader.js';
import { type DecodeOptions, pictureExtensions } from './decode-image.js';
import { decodePart } from './open-web-dataset.js';
import { sampleAt } from './sample-at.js';
import { decodingSource, type FolderSourceOptions, type SourceDescriptor } from './source.js';
import { cutShort, readEntry, type TarEntry, tarEntries } from './tar.js';

/** A picture in a tar archive and its label. */
export interface WebDatasetSample {
  /** The key that its files share: their path up to the first dot of the file's name. */
  readonly name: string;
  /** Absolute path of the archive. */
  readonly path: string;
  /** Where the picture's bytes begin in the archive, and how many there are. */
  readonly offset: number;
  readonly bytes: number;
  /** A class from `cls`, or a text in Unicode normal form C. */
  readonly label: string | number;
}

export interface WebDatasetOptions {
  /** Extension of the pictures, such as `input.png`. Default: the first there is of png, jpg, jpeg, webp, avif, gif. */
  readonly picture?: string | undefined;
  /**
   * Extension of the labels: `cls` holds the index of a class, `json` an object with `label` or `text`, any other a
   * text. Default: the first there is of `cls`, `txt`, `json`.
   */
  readonly label?: string | undefined;
}

export interface WebDataset {
  /** Absolute paths of the archives. */
  readonly shards: readonly string[];
  /** Number of samples. */
  readonly size: number;
  /** In the order of the archives. */
  readonly samples: readonly WebDatasetSample[];
  /** Decodes picture `index`, 0..size-1. */
  image(index: number, options?: DecodeOptions): Promise<Image>;
}

/** The files of one example of an archive. */
export interface WebDatasetExample {
  readonly key: string;
  /** Contents by extension in lower case: all that follows the first dot of a file's name. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** A part as the index keeps it: where it lies, with its bytes where it is a label. */
interface IndexedPart {
  readonly offset: number;
  readonly bytes: number;
  readonly content: Uint8Array | undefined;
}

const defaultLabels = ['cls', 'txt', 'json'];
/** No label is longer; a file that is has another meaning. */
const maxLabelBytes = 64 * 1024;

/**
 * Lists the samples of WebDataset archives: tar files in which the files of a sample follow each other and share their
 * name up to its first dot (as Python's `webdataset` reads them; `__name__` files are left out). Reads names and labels,
 * and skips pictures, so that `webDatasetSource` can take them in any order.
 *
 * @param shards paths of uncompressed archives; `{000..012}` in a path stands for each of these numbers.
 * @throws ProjError `cannot-read`, `invalid-tar`, `unsafe-tar` (links, devices, paths that lead out); `duplicate-part`,
 *   `incomplete-sample` (no picture or no label), `invalid-label`, `empty-archive`. All name the archive.
 */
export async function webDataset(
  shards: string | readonly string[],
  options: WebDatasetOptions = {},
): Promise<WebDataset> {
  const paths = [shards]
    .flat()
    .flatMap(expandBraces)
    .map((path) => resolve(path));
  const samples: WebDatasetSample[] = [];
  for (const path of paths) samples.push(...(await listArchive(path, options)));
  if (samples.length === 0) {
    throw new ProjError(`There are no samples in ${paths.join(', ') || 'no archives'}`, {
      code: 'empty-archive',
      expected: 'at least one picture with a label',
    });
  }
  return {
    shards: paths,
    size: samples.length,
    samples,
    image: async (index, decodeOptions) => decodePart(sampleAt(samples, index, paths.join(', ')), decodeOptions),
  };
}

/**
 * The examples of an archive one after the other, as its bytes come: from a pipe, a download, or an archive that is
 * unpacked on the way, `createReadStream(path).pipe(createGunzip())`. Holds one example in memory. The stream is ended with
 * the loop.
 *
 * @param name what errors call the archive.
 * @throws ProjError `invalid-tar`, `unsafe-tar`, `duplicate-part`, and what the stream throws.
 */
export async function* readWebDataset(
  stream: AsyncIterable<Uint8Array>,
  name = 'in memory',
): AsyncGenerator<WebDatasetExample> {
  const reader = new StreamByteReader(stream);
  try {
    yield* examples(tarEntries(reader, name), name, (entry) => readEntry(reader, entry, name));
  } finally {
    await reader.close();
  }
}

/**
 * The pictures of `webDataset(...).samples`, or of a part of them, in any order. As `folderSource` otherwise.
 *
 * @throws ProjError `invalid-option`, `unknown-option`.
 */
export function webDatasetSource(
  samples: readonly WebDatasetSample[],
  options: FolderSourceOptions = {},
): SourceDescriptor {
  const module = new URL('./open-web-dataset.js', import.meta.url).href;
  return decodingSource('webDatasetSource', { module, export: 'openWebDataset' }, samples, options);
}

async function listArchive(path: string, options: WebDatasetOptions): Promise<WebDatasetSample[]> {
  const file = await openArchive(path);
  try {
    const { size } = await file.stat();
    const labels = options.label === undefined ? defaultLabels : [options.label];
    const reader = new FileByteReader(file);
    const take = async (entry: TarEntry, extension: string): Promise<IndexedPart> => {
      // Not by reading it: there may be no memory for what the header says.
      if (entry.offset + entry.size > size) throw cutShort(entry, path, size - entry.offset);
      const isLabel = labels.includes(extension) && entry.size <= maxLabelBytes;
      const content = isLabel ? await readEntry(reader, entry, path) : undefined;
      return { offset: entry.offset, bytes: entry.size, content };
    };
    const samples: WebDatasetSample[] = [];
    for await (const { key, parts } of examples(tarEntries(reader, path), path, take)) {
      const picture = [options.picture ?? pictureExtensions].flat().find((extension) => parts.has(extension));
      const label = labels.find((extension) => parts.get(extension)?.content !== undefined);
      if (picture === undefined || label === undefined) {
        throw new ProjError(`The sample ${key} of ${path} has no ${picture === undefined ? 'picture' : 'label'}`, {
          code: 'incomplete-sample',
          expected: picture === undefined ? (options.picture ?? pictureExtensions.join(', ')) : labels.join(', '),
          received: [...parts.keys()].join(', '),
          fix: 'Pass the extensions as `picture` and `label`; the files of a sample must follow each other',
        });
      }
      const { offset, bytes } = parts.get(picture)!;
      const value = labelOf(label, parts.get(label)!.content!, `${key} of ${path}`);
      samples.push({ name: key, path, offset, bytes, label: value });
    }
    return samples;
  } finally {
    await file.close();
  }
}

async function openArchive(path: string): Promise<FileHandle> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no regular file'); // to read from a pipe may never end
    return await open(path, 'r');
  } catch (cause) {
    throw new ProjError(`Cannot read the archive ${path}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      fix: 'Check that the file exists and may be read; of a folder name the archives, `folder/{000..012}.tar`',
      cause,
    });
  }
}

/** Puts files that follow each other under one key together; `take` is asked while its entry is the current one. */
async function* examples<T>(
  entries: AsyncIterable<TarEntry>,
  archive: string,
  take: (entry: TarEntry, extension: string) => Promise<T>,
): AsyncGenerator<{ readonly key: string; readonly parts: ReadonlyMap<string, T> }> {
  let key: string | undefined;
  let parts = new Map<string, T>();
  for await (const entry of entries) {
    const named = /^((?:.*\/)?[^./]+)\.([^/]*)$/s.exec(entry.name);
    if (named === null || /^__[^/]*__($|\/)/.test(entry.name)) continue;
    const [, prefix, extension] = named as unknown as [string, string, string];
    if (prefix !== key) {
      if (key !== undefined) yield { key, parts };
      key = prefix;
      parts = new Map();
    }
    if (parts.has(extension.toLowerCase())) {
      throw new ProjError(`Cannot use the archive ${archive}`, {
        code: 'duplicate-part',
        expected: 'every file of a sample once',
        received: `'${entry.name}' twice`,
      });
    }
    parts.set(extension.toLowerCase(), await take(entry, extension.toLowerCase()));
  }
  if (key !== undefined) yield { key, parts };
}

function labelOf(extension: string, content: Uint8Array, name: string): string | number {
  const text = new TextDecoder().decode(content).replace(/\r?\n$/, '');
  const refuse = (expected: string) =>
    new ProjError(`Cannot use the label of ${name}`, {
      code: 'invalid-label',
      expected,
      received: text.slice(0, 200) || 'an empty file',
    });
  if (extension === 'cls') {
    if (/^\s*[0-9]{1,9}\s*$/.test(text)) return Number(text);
    throw refuse('the index of a class');
  }
  if (extension === 'json' || extension.endsWith('.json')) {
    const value = jsonLabel(text);
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    if (typeof value === 'string' && value !== '') return value.normalize('NFC');
    throw refuse('an object with a text or a class as `label` or `text`');
  }
  if (text === '') throw refuse('a text');
  return text.normalize('NFC');
}

function jsonLabel(text: string): unknown {
  try {
    const value = JSON.parse(text) as { label?: unknown; text?: unknown } | null;
    return value?.label ?? value?.text;
  } catch {
    return undefined;
  }
}

/** `a-{08..11}.tar` as the four paths it stands for; numbers keep the digits of the first. */
function expandBraces(path: string): string[] {
  const range = /^(.*)\{([0-9]+)\.\.([0-9]+)\}(.*)$/s.exec(path);
  if (range === null) return [path];
  const [, before, first, last, after] = range as unknown as [string, string, string, string, string];
  const count = Number(last) - Number(first) + 1;
  const numbers = Array.from({ length: Math.max(0, count) }, (_, k) =>
    String(Number(first) + k).padStart(first.length, '0'),
  );
  return numbers.flatMap((number) => expandBraces(before + number + after));
}
