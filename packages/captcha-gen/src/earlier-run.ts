import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The list of a folder's captchas, one record a line, in order. */
export const manifestName = 'labels.jsonl';

/** What an earlier, perhaps killed, run left in a folder. */
export interface EarlierRun {
  /** Whether it came as far as to begin a manifest. */
  readonly begun: boolean;
  /** Complete lines of its manifest. */
  readonly lines: readonly string[];
  /** Names of all files but the manifest and hidden ones. */
  readonly files: ReadonlySet<string>;
}

/** Looks at a folder; half-written temporary files are removed. */
export async function findEarlierRun(folder: string): Promise<EarlierRun> {
  const names = await readdir(folder);
  await removeAll(folder, names.filter(isTemporary));
  const text = names.includes(manifestName) ? await readFile(join(folder, manifestName), 'utf8') : '';
  return {
    begun: names.includes(manifestName),
    lines: text.split('\n').slice(0, -1), // what follows the last line end is empty or cut off
    files: new Set(names.filter((name) => name !== manifestName && !name.startsWith('.'))),
  };
}

/** Deletes the manifest, the files it lists and all that have one of the names. */
export async function removeCaptchas(folder: string, names: RegExp): Promise<void> {
  const { lines, files } = await findEarlierRun(folder);
  const listed = new Set(lines.map(fileOf));
  await removeAll(folder, [
    manifestName, // first, so that a kill on the way leaves a folder that is refused, not one that passes for whole
    ...[...files].filter((name) => listed.has(name) || names.test(name)),
  ]);
}

/** The file name in a manifest's line; undefined when it is none or would lead out of the folder. */
export function fileOf(line: string): string | undefined {
  try {
    const { file } = JSON.parse(line) as { file?: unknown };
    return typeof file === 'string' && basename(file) === file ? file : undefined;
  } catch {
    return undefined;
  }
}

/** As `writeFileAtomic` names its temporary files. */
function isTemporary(name: string): boolean {
  return /^\..+\.[0-9a-f-]{36}\.tmp$/.test(name);
}

async function removeAll(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { force: true });
}
