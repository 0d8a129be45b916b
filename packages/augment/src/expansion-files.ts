import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { ProjError } from '@proj/core';

/** The list of a folder's copies, one record a line, in order. */
export const manifestName = 'augment.jsonl';

/** With what settings a folder was filled. */
export const jobName = 'augment.json';

/** A copy that is to be made. Paths have `/`, so that the same seed makes the same copies everywhere. */
export interface Copy {
  readonly file: string;
  readonly source: string;
  readonly copy: number;
}

/**
 * Paths of all pictures in a folder, sorted.
 * @throws ProjError `no-pictures`, `folder-in-folder` where `out` lies in the folder or around it, `cannot-read`.
 */
export async function listPictures(folder: string, out: string): Promise<string[]> {
  if (isWithin(folder, out) || isWithin(out, folder)) {
    throw new ProjError(`Cannot expand ${folder} into ${out}`, {
      code: 'folder-in-folder',
      expected: 'two folders of which none lies in the other',
      received: `${resolve(folder)} and ${resolve(out)}`,
    });
  }
  const files = (await filesIn(folder)).filter((path) => /\.(png|jpe?g|webp|avif|gif)$/i.test(path));
  if (files.length > 0) return files.sort();
  throw new ProjError(`No pictures in ${folder}`, {
    code: 'no-pictures',
    expected: 'PNG, JPEG, WebP, AVIF or GIF files in the folder or in its subfolders',
  });
}

/** All copies in order. @throws ProjError `name-collision` where two pictures' copies would have one name. */
export function copiesOf(sources: readonly string[], copies: number): Copy[] {
  const stems = new Map<string, string>();
  for (const source of sources) {
    const stem = stemOf(source);
    const other = stems.get(stem);
    if (other !== undefined) {
      throw new ProjError('The copies of two pictures would have one name', {
        code: 'name-collision',
        expected: 'names that differ in more than their extension',
        received: `${other} and ${source}`,
        fix: 'Rename one of them',
      });
    }
    stems.set(stem, source);
  }
  return sources.flatMap((source) =>
    Array.from({ length: copies }, (_, copy) => ({ file: `${stemOf(source)}_${copy}.png`, source, copy })),
  );
}

const stemOf = (path: string) => path.replace(/\.[^.]+$/, '');

/**
 * What an earlier run of the same job left in a folder: complete lines of the manifest, and the copies that are there.
 * Half-written temporary files are removed.
 *
 * @throws ProjError `folder-not-empty` where the folder holds anything else.
 */
export async function findEarlierRun(
  out: string,
  job: string,
  all: readonly Copy[],
): Promise<{ lines: string[]; present: ReadonlySet<string> }> {
  const names = await filesIn(out, true);
  for (const name of names.filter(isTemporary)) await rm(join(out, name), { force: true });
  const files = names.filter((name) => !isTemporary(name));
  const present = new Set(files.filter((name) => name !== manifestName && name !== jobName));
  const text = files.includes(manifestName) ? await readFile(join(out, manifestName), 'utf8') : '';
  if (present.size === 0 && text === '') return { lines: [], present }; // nothing was made yet, whatever the settings
  const isSameJob = files.includes(jobName) && (await readFile(join(out, jobName), 'utf8')) === job;
  if (!isSameJob) throw folderNotEmpty(out);
  const expected = new Set(all.map(({ file }) => file));
  const lines = text.split('\n').slice(0, -1); // what follows the last line end is empty or cut off
  const listed = lines.every((line, place) => fileOf(line) === all[place]?.file);
  if (!listed || [...present].some((name) => !expected.has(name))) throw folderNotEmpty(out);
  return { lines, present };
}

/** Paths of the files in a folder and its subfolders, with `/`; none where there is no folder and `maybe`. */
async function filesIn(folder: string, maybe = false): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => isTemporary(path) || !path.split('/').some((part) => part.startsWith('.')));
  } catch (cause) {
    if (maybe && (cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ProjError(`Cannot read ${folder}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      fix: 'Check that the folder exists and may be read',
      cause,
    });
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way === '' || !(way.startsWith('..') || resolve(way) === way);
}

/** As `writeFileAtomic` names its temporary files. */
function isTemporary(path: string): boolean {
  return /(^|\/)\.[^/]+\.[0-9a-f-]{36}\.tmp$/.test(path);
}

function fileOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { file?: unknown }).file;
  } catch {
    return undefined;
  }
}

function folderNotEmpty(folder: string): ProjError {
  return new ProjError(`Will not write copies into ${folder}`, {
    code: 'folder-not-empty',
    expected: 'an empty folder, or one that the same pictures, pipeline, seed and number of copies began',
    received: 'a folder that holds other files',
    fix: 'Choose another folder; nothing is overwritten',
  });
}
