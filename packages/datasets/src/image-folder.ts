import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { type Image, ProjError } from '@proj/core';
import { type DecodeOptions, decodeImage, pictureExtensions } from './decode-image.js';
import { sampleAt } from './sample-at.js';

/** A picture's file and its class. */
export interface ClassifiedFile {
  /** Absolute path. */
  readonly path: string;
  /** Index of the class. */
  readonly label: number;
}

export interface ImageFolderOptions {
  /**
   * The classes in the order of their numbers, such as those of the training folder for a validation folder. A
   * subfolder of another name is an error. Default: the names of the subfolders, sorted.
   */
  readonly classes?: readonly string[] | undefined;
  /** Whether a class may be without pictures. Default false. */
  readonly allowEmpty?: boolean | undefined;
  /** Which files are pictures, in any case. Default png, jpg, jpeg, webp, avif, gif. */
  readonly extensions?: readonly string[] | undefined;
}

export interface ImageFolder {
  /** Absolute path of the folder. */
  readonly dir: string;
  /** Number of samples. */
  readonly size: number;
  /** By class, then by folder, then by name. */
  readonly samples: readonly ClassifiedFile[];
  /** Names of the classes in the order of their numbers. */
  readonly classes: readonly string[];
  /** Decodes picture `index`, 0..size-1. */
  image(index: number, options?: DecodeOptions): Promise<Image>;
}

/**
 * Lists a folder that has a subfolder of pictures for each class: classes, numbers and order as torchvision's
 * `ImageFolder` (names sorted by code points; pictures in folders further down belong to the class, links are
 * followed). Unlike there, names that start with a dot are left out, and a link that leads back up is an error instead
 * of a walk without end. Pictures are decoded only when asked for.
 *
 * @throws ProjError `cannot-read`, `empty-folder` (no subfolder, or no picture), `empty-class`, `unknown-class-folder`,
 *   `folder-loop`; all name the folder. `invalid-class-names` where one stands twice. `image` throws as {@link decodeImage}, and
 *   `invalid-index`.
 */
export async function imageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const { allowEmpty = false } = options;
  const folder = resolve(dir);
  const extensions = new Set((options.extensions ?? pictureExtensions).map((e) => e.toLowerCase().replace(/^\./, '')));
  const top = await list(folder);
  const classes = options.classes ?? top.folders;
  const twice = classes.find((name, place) => classes.indexOf(name) !== place);
  if (twice !== undefined) {
    throw new ProjError('Cannot number the classes', {
      code: 'invalid-class-names',
      expected: 'no name twice',
      received: `'${twice}' twice`,
    });
  }
  const unknown = top.folders.find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new ProjError(`Cannot tell the class of the pictures in ${join(folder, unknown)}`, {
      code: 'unknown-class-folder',
      expected: `subfolders named ${classes.join(', ')}`,
      received: `'${unknown}'`,
      fix: 'Add it to `classes`, or move the folder away',
    });
  }

  const samples: ClassifiedFile[] = [];
  for (const [label, name] of classes.entries()) {
    const files = top.folders.includes(name) ? await picturesBelow(join(folder, name), extensions) : [];
    if (files.length === 0 && !allowEmpty) {
      throw new ProjError(`There are no pictures of the class '${name}' in ${folder}`, {
        code: 'empty-class',
        expected: `files ending in ${[...extensions].map((e) => `.${e}`).join(', ')} in ${join(folder, name)}`,
        fix: 'Pass `allowEmpty: true` if this is meant, or move the folder away',
      });
    }
    for (const path of files) samples.push({ path, label });
  }
  if (samples.length === 0) {
    throw new ProjError(`There are no pictures in the subfolders of ${folder}`, {
      code: 'empty-folder',
      expected: 'a subfolder of pictures for each class',
      received: top.folders.length === 0 ? 'no subfolders' : `${top.folders.length} subfolders without pictures`,
      fix: 'Check the path; for captchas, whose labels stand in their names, use `captchaFolder`',
    });
  }
  return {
    dir: folder,
    size: samples.length,
    samples,
    classes,
    image: async (index, decodeOptions) => decodeImage(sampleAt(samples, index, folder).path, decodeOptions),
  };
}

/** Pictures in a folder and in those below it, by the path of their folder, then by name. */
async function picturesBelow(top: string, extensions: ReadonlySet<string>): Promise<string[]> {
  const found: { readonly folder: string; readonly files: readonly string[] }[] = [];
  const walk = async (folder: string, above: readonly string[]): Promise<void> => {
    const here = await realpath(folder);
    if (above.includes(here)) {
      throw new ProjError(`Cannot list the pictures below ${top}`, {
        code: 'folder-loop',
        expected: 'folders that do not contain themselves',
        received: `${folder}, a link to ${here}`,
        fix: 'Remove the link',
      });
    }
    const { folders, files } = await list(folder);
    found.push({ folder, files: files.filter((name) => extensions.has(extname(name).slice(1).toLowerCase())) });
    for (const name of folders) await walk(join(folder, name), [...above, here]);
  };
  await walk(top, []);
  found.sort((a, b) => byCodePoints(a.folder, b.folder));
  return found.flatMap(({ folder, files }) => files.map((name) => join(folder, name)));
}

/** Names of subfolders and of other entries, each sorted; links count as what they lead to. */
async function list(folder: string): Promise<{ readonly folders: string[]; readonly files: string[] }> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new ProjError(`Cannot read the folder ${folder}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      expected: 'a folder with a subfolder of pictures for each class',
      fix: 'Check the path; a relative one starts from the working directory',
      cause,
    });
  }
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => byCodePoints(a.name, b.name))) {
    if (entry.name.startsWith('.')) continue;
    // A link that leads nowhere stays a file: reading it tells its name.
    const isFolder = entry.isSymbolicLink()
      ? await stat(join(folder, entry.name)).then(
          (target) => target.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    (isFolder ? folders : files).push(entry.name);
  }
  return { folders, files };
}

/** The order in which Python sorts texts; JavaScript's own goes by UTF-16 code units. */
function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
