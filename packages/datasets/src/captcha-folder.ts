import { readdir, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Image, ProjError } from '@proj/core';
import { type DecodeOptions, decodeImage, pictureExtensions } from './decode-image.js';
import { type FileNamePattern, fileNamePattern } from './file-name-pattern.js';
import { readLabelFile } from './label-file.js';
import { sampleAt } from './sample-at.js';

/** A picture's file and what is written in it. */
export interface LabelledFile {
  /** Absolute path. */
  readonly path: string;
  /** In Unicode normal form C, whatever form the file system or label file uses. */
  readonly label: string;
}

export interface CaptchaFolderOptions {
  /**
   * Where the label stands in the file's name without its extension: `{label}`, `{i}` for a number, `{any}` for any
   * text. Default: `{i}_{label}` when one of the names has this form, else `{label}`.
   */
  readonly pattern?: string | undefined;
  /**
   * A `.csv` or `.jsonl` file with the labels. Its path, and those of the pictures it lists, start from the folder.
   * False takes labels from names even though there is such a file. Default: `labels.csv` or `labels.jsonl` when the folder has it and `pattern` is not given.
   */
  readonly labels?: string | false | undefined;
  /** The characters labels may have, in the order of their classes. Default: those that occur, by code point. */
  readonly charset?: string | undefined;
  /** Demands that every label has this many characters. */
  readonly length?: number | undefined;
  /** Which files are pictures, in any case. Default png, jpg, jpeg, webp, avif, gif. */
  readonly extensions?: readonly string[] | undefined;
  /** Takes only this many pictures, evenly spaced over the whole folder. */
  readonly limit?: number | undefined;
}

export interface CaptchaFolder {
  /** Absolute path of the folder. */
  readonly dir: string;
  /** Number of samples. */
  readonly size: number;
  /** By path, in the order of UTF-16 code units; in the order of the lines where a label file is used. */
  readonly samples: readonly LabelledFile[];
  /** The characters in the order of their classes: as given, or those that occur, by code point (`0-9A-Za-z`). */
  readonly charset: string;
  /** Characters (code points) of the longest label. */
  readonly length: number;
  /** Characters of the shortest label. */
  readonly minLength: number;
  /** The pattern, or the absolute path of the label file, that the labels came from. */
  readonly labelsFrom: string;
  /** Decodes picture `index`, 0..size-1. */
  image(index: number, options?: DecodeOptions): Promise<Image>;
}

/**
 * Lists a folder of labelled captchas; pictures are decoded only when asked for. Subfolders and files whose name
 * starts with a dot are not looked at, nor is a picture that a label file does not list.
 *
 * @throws ProjError `cannot-read` (no such folder or label file), `empty-folder`, `tar-shards`, `name-mismatch` (a name without the
 *   pattern's form), `invalid-pattern`, `invalid-label-file`, `ambiguous-labels` (two label files), `missing-picture`
 *   and `path-leaves-folder` (a label file that lists what is not there or lies outside), `duplicate-picture`,
 *   `unknown-character`, `label-length`, `invalid-limit`. All name the file.
 */
export async function captchaFolder(dir: string, options: CaptchaFolderOptions = {}): Promise<CaptchaFolder> {
  const folder = resolve(dir);
  const names = await list(folder);
  const labelFile = chooseLabelFile(folder, names, options);
  const extensions = new Set((options.extensions ?? pictureExtensions).map((e) => e.toLowerCase().replace(/^\./, '')));
  const found =
    labelFile === undefined
      ? fromNames(folder, names, extensions, options.pattern)
      : { samples: await fromLabelFile(folder, labelFile), labelsFrom: labelFile };
  const samples = limited(found.samples, options.limit);
  if (samples.length === 0) throw emptyFolder(folder, labelFile, names, extensions);

  const charset = options.charset?.normalize('NFC') ?? inferCharset(samples);
  const lengths = checkLabels(samples, charset, options.length);
  return {
    dir: folder,
    size: samples.length,
    samples,
    charset,
    length: Math.max(...lengths),
    minLength: Math.min(...lengths),
    labelsFrom: found.labelsFrom,
    image: async (index, decodeOptions) => decodeImage(sampleAt(samples, index, folder).path, decodeOptions),
  };
}

/** Names of the files in a folder, in the order of their code units. */
async function list(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    throw new ProjError(`Cannot read the folder ${folder}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      expected: 'a folder of pictures',
      fix: 'Check the path; a relative one starts from the working directory',
      cause,
    });
  }
}

function chooseLabelFile(
  folder: string,
  names: readonly string[],
  { labels, pattern }: CaptchaFolderOptions,
): string | undefined {
  if (typeof labels === 'string') return resolve(folder, labels);
  if (labels === false || pattern !== undefined) return undefined;
  const present = ['labels.csv', 'labels.jsonl'].filter((name) => names.includes(name));
  if (present.length > 1) {
    throw new ProjError(`Cannot tell which labels of ${folder} to use`, {
      code: 'ambiguous-labels',
      received: present.join(' and '),
      fix: 'Pass `labels` with the name of the one to use',
    });
  }
  return present[0] === undefined ? undefined : join(folder, present[0]);
}

function fromNames(
  folder: string,
  names: readonly string[],
  extensions: ReadonlySet<string>,
  given: string | undefined,
): { samples: LabelledFile[]; labelsFrom: string } {
  const pictures = names.filter((name) => extensions.has(extname(name).slice(1).toLowerCase()));
  const stems = pictures.map((name) => basename(name, extname(name)));
  const numbered = fileNamePattern('{i}_{label}');
  const pattern: FileNamePattern =
    given !== undefined
      ? fileNamePattern(given)
      : stems.some((stem) => numbered.labelOf(stem) !== undefined)
        ? numbered
        : fileNamePattern('{label}');
  const samples = pictures.map((name, index) => {
    const label = pattern.labelOf(stems[index]!);
    if (label !== undefined) return { path: join(folder, name), label: label.normalize('NFC') };
    throw new ProjError(`Cannot find the label in the name of ${join(folder, name)}`, {
      code: 'name-mismatch',
      expected: `a name of the form '${pattern.pattern}', for example '${pattern.example}${extname(name)}'`,
      received: `'${name}'`,
      fix: 'Pass the `pattern` that the names have, rename the file or move it away',
    });
  });
  return { samples, labelsFrom: pattern.pattern };
}

async function fromLabelFile(folder: string, labelFile: string): Promise<LabelledFile[]> {
  const lines = await readLabelFile(labelFile);
  const seen = new Map<string, number>();
  const archives = new Set(lines.map(({ file }) => file).filter(isTar));
  if (archives.size > 0) throw tarShards(folder, [...archives]);
  return Promise.all(
    lines.map(async ({ file, label, line }) => {
      const path = resolve(folder, file);
      const within = relative(folder, path);
      const received = `'${file}' in line ${line}`;
      if (isAbsolute(file) || isAbsolute(within) || within === '..' || /^\.\.[\\/]/.test(within)) {
        throw new ProjError(`Cannot use the label file ${labelFile}`, {
          code: 'path-leaves-folder',
          expected: `paths of pictures inside ${folder}`,
          received,
        });
      }
      const earlier = seen.get(path);
      if (earlier !== undefined) {
        throw new ProjError(`Cannot use the label file ${labelFile}`, {
          code: 'duplicate-picture',
          expected: 'every picture once',
          received: `${received}, and before it in line ${earlier}`,
        });
      }
      seen.set(path, line);
      if (!(await isFile(path))) {
        throw new ProjError(`Cannot use the label file ${labelFile}: ${path} does not exist`, {
          code: 'missing-picture',
          expected: `pictures in ${folder}`,
          received,
        });
      }
      return { path, label: label.normalize('NFC') };
    }),
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function limited<T>(items: readonly T[], limit: number | undefined): readonly T[] {
  if (limit === undefined) return items;
  if (!Number.isInteger(limit) || limit < 1) {
    throw new ProjError('Cannot limit the number of pictures', {
      code: 'invalid-limit',
      expected: 'a positive integer',
      received: String(limit),
    });
  }
  if (limit >= items.length) return items;
  return Array.from({ length: limit }, (_, k) => items[Math.floor((k * items.length) / limit)]!);
}

function emptyFolder(
  folder: string,
  labelFile: string | undefined,
  names: readonly string[],
  extensions: ReadonlySet<string>,
): ProjError {
  if (labelFile !== undefined) {
    return new ProjError(`There are no pictures in ${labelFile}`, {
      code: 'empty-folder',
      expected: 'at least one line with a picture and its label',
    });
  }
  const archives = names.filter(isTar);
  if (archives.length > 0) return tarShards(folder, archives);
  const others = [...new Set(names.map((name) => extname(name) || name))].slice(0, 5);
  return new ProjError(`There are no pictures in ${folder}`, {
    code: 'empty-folder',
    expected: `files ending in ${[...extensions].map((e) => `.${e}`).join(', ')}`,
    received: names.length === 0 ? 'no files' : `${names.length} other files (${others.join(', ')})`,
    fix: 'Check the path, or pass `extensions`; subfolders are not searched',
  });
}

const isTar = (name: string) => extname(name).toLowerCase() === '.tar';

function tarShards(folder: string, archives: readonly string[]): ProjError {
  return new ProjError(`The captchas of ${folder} lie in tar shards`, {
    code: 'tar-shards',
    expected: 'a file for each picture',
    received: archives.length === 1 ? archives[0]! : `${archives.length} archives, the first of them ${archives[0]}`,
    fix: 'Pass the paths of the archives to `webDataset`, and its samples to `webDatasetSource`',
  });
}

function inferCharset(samples: readonly LabelledFile[]): string {
  const characters = new Set(samples.flatMap(({ label }) => Array.from(label)));
  return [...characters].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!).join('');
}

/** Lengths that occur, after checking every label. */
function checkLabels(samples: readonly LabelledFile[], charset: string, demanded: number | undefined): number[] {
  const known = new Set(charset);
  const lengths = new Set<number>();
  for (const { path, label } of samples) {
    const characters = Array.from(label);
    const unknown = characters.find((character) => !known.has(character));
    if (unknown !== undefined) {
      throw new ProjError(`Cannot use the label '${label}' of ${path}`, {
        code: 'unknown-character',
        expected: `characters of '${charset}'`,
        received: `'${unknown}'`,
        fix: 'Add it to `charset`, or correct the label',
      });
    }
    if (demanded !== undefined && characters.length !== demanded) {
      throw new ProjError(`Cannot use the label '${label}' of ${path}`, {
        code: 'label-length',
        expected: `${demanded} characters`,
        received: `${characters.length}`,
        fix: 'Correct the label, or leave `length` out for labels of different length',
      });
    }
    lengths.add(characters.length);
  }
  return [...lengths];
}
