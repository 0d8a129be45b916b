import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { type Image, ProjError } from '@proj/core';
import { cifar10Classes, recordBytes, recordsPerFile, testFiles, trainFiles } from './cifar10-format.js';
import { type Cifar10Download, cifar10Folder, downloadCifar10 } from './download-cifar10.js';
import { openCifar10, type PackedCifar10 } from './open-cifar10.js';
import { sampleAt } from './sample-at.js';
import { listOf, type SourceDescriptor } from './source.js';

/** A record of a CIFAR-10 file. */
export interface Cifar10Sample {
  /** `data_batch_1/17`: the same wherever the folder lies. */
  readonly name: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** Its number in the file, from 0. */
  readonly record: number;
  /** Index of the class, 0..9. */
  readonly label: number;
}

export interface Cifar10Options {
  /** `train` (default): 50,000 pictures of five files; `test`: 10,000 of one. */
  readonly part?: 'train' | 'test' | undefined;
  /** Files in the folder to read instead, in the official form but with any number of records. */
  readonly files?: readonly string[] | undefined;
  /** Fetches what is missing from the official address, or as told. Default false. */
  readonly download?: boolean | Cifar10Download | undefined;
}

export interface Cifar10 {
  /** Absolute path of the folder that holds the files. */
  readonly dir: string;
  /** Number of samples. */
  readonly size: number;
  /** In the order of the files. */
  readonly samples: readonly Cifar10Sample[];
  /** Names of the classes in the order of their numbers. */
  readonly classes: readonly string[];
  /** Picture `index`, 0..size-1: 32x32 RGB. */
  image(index: number): Promise<Image>;
}

/**
 * CIFAR-10 (Krizhevsky, 2009) in its binary version: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` in
 * `dir`, or in `cifar-10-batches-bin` below it, where `download` puts them.
 *
 * @throws ProjError `cannot-read` (a file is missing), `invalid-cifar10` (another size, or a label above 9), which name
 *   the file; `empty-archive` without a record; what {@link downloadCifar10} throws. `image` throws `invalid-index`.
 */
export async function cifar10(dir: string, options: Cifar10Options = {}): Promise<Cifar10> {
  const { part = 'train', download = false } = options;
  const official = part === 'test' ? testFiles : trainFiles;
  const files = options.files ?? official;
  const missing = (folder: string) => files.some((file) => !existsSync(join(folder, file)));
  let folder = resolve(dir);
  if (missing(folder)) {
    const below = join(folder, cifar10Folder);
    if (download !== false && missing(below)) await downloadCifar10(folder, download === true ? {} : download);
    if (!missing(below)) folder = below;
  }

  const samples: Cifar10Sample[] = [];
  for (const file of files) {
    const path = join(folder, file);
    const labels = await readLabels(path, options.files === undefined ? recordsPerFile : undefined);
    const stem = basename(file, extname(file));
    for (const [record, label] of labels.entries()) samples.push({ name: `${stem}/${record}`, path, record, label });
  }
  if (samples.length === 0) {
    throw new ProjError(`There are no pictures in ${folder}`, {
      code: 'empty-archive',
      expected: 'at least one record',
    });
  }
  return {
    dir: folder,
    size: samples.length,
    samples,
    classes: cifar10Classes,
    image: async (index) => readPicture(sampleAt(samples, index, folder)),
  };
}

/** The pictures of `cifar10(...).samples`, or of a part of them. */
export function cifar10Source(samples: readonly Cifar10Sample[]): SourceDescriptor {
  return {
    module: new URL('./open-cifar10.js', import.meta.url).href,
    export: 'openCifar10',
    options: packed(listOf(samples)),
  };
}

function packed(samples: readonly Cifar10Sample[]): PackedCifar10 {
  const files = [...new Set(samples.map(({ path }) => path))];
  const fileOf = new Map(files.map((path, place) => [path, place]));
  return {
    files,
    places: Int32Array.from(samples.flatMap(({ path, record, label }) => [fileOf.get(path)!, record, label])),
  };
}

/** The first byte of every record, checked. */
async function readLabels(path: string, records: number | undefined): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ProjError(`Cannot read ${path}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      expected: `CIFAR-10's binary files in ${dirname(path)} or in ${cifar10Folder} there`,
      fix: 'Check the path, or pass `download: true`',
      cause,
    });
  }
  if (records === undefined ? bytes.length % recordBytes !== 0 : bytes.length !== records * recordBytes) {
    throw new ProjError(`Cannot use ${path} as a file of CIFAR-10`, {
      code: 'invalid-cifar10',
      expected: `${records ?? 'whole'} records of ${recordBytes} bytes`,
      received: `${bytes.length} bytes`,
      fix: 'Fetch it again; it must be the binary version',
    });
  }
  const labels = Uint8Array.from({ length: bytes.length / recordBytes }, (_, record) => bytes[record * recordBytes]!);
  const wrong = labels.findIndex((label) => label >= cifar10Classes.length);
  if (wrong < 0) return labels;
  throw new ProjError(`Cannot use ${path} as a file of CIFAR-10`, {
    code: 'invalid-cifar10',
    expected: 'labels 0..9',
    received: `${labels[wrong]} in record ${wrong}`,
    fix: 'Fetch it again; it must be the binary version',
  });
}

async function readPicture(sample: Cifar10Sample): Promise<Image> {
  const source = openCifar10(packed([sample]));
  try {
    return (await source.sample(0)).image;
  } finally {
    source.close?.();
  }
}
