import { existsSync } from 'node:fs';
import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';

const SETTINGS = 'settings.json';

/**
 * Begins or resumes a run in `dir` and gives the settings that hold for it. A new run moves an earlier one aside, to
 * `dir.1`, `dir.2` and so on; a resumed one takes the settings it began with, so that it sees the same data.
 *
 * @throws ProjError `different-settings` when a resumed run was begun with others than `asked` demands; `not-a-run` when
 *   `dir` is or holds something else, which is left alone, or the settings of the run to resume cannot be read.
 */
export async function openRunFolder<T extends object>(
  dir: string,
  { resume, settings, asked }: { resume: boolean; settings: T; asked: Partial<T> },
): Promise<T> {
  const path = join(dir, SETTINGS);
  if (resume && existsSync(path)) {
    const stored = await readSettings<T>(path);
    for (const [name, value] of Object.entries(asked)) {
      const before = stored[name as keyof T];
      if (JSON.stringify(before) === JSON.stringify(value)) continue;
      throw new ProjError(`Cannot resume the run in ${dir}`, {
        code: 'different-settings',
        expected: `${name} ${JSON.stringify(before)}, with which it began`,
        received: JSON.stringify(value),
        fix: 'Leave the option out, or begin a new run without --resume',
      });
    }
    return stored;
  }
  if (resume) console.error(`There is no run in ${dir} yet: beginning one.`);
  if (existsSync(path)) {
    let n = 1;
    while (existsSync(`${dir}.${n}`)) n++;
    await rename(dir, `${dir}.${n}`);
    console.error(`Kept the earlier run as ${dir}.${n}.`);
  } else if (existsSync(dir)) {
    const isFolder = (await stat(dir)).isDirectory();
    if (!isFolder || (await readdir(dir)).length > 0) {
      throw new ProjError(`Cannot write a run to ${dir}`, {
        code: 'not-a-run',
        expected: `a new or empty folder, or one with an earlier run (${SETTINGS})`,
        received: isFolder ? 'a folder with other files' : 'a file',
        fix: 'Name another one with --out',
      });
    }
  }
  await writeFileAtomic(path, `${JSON.stringify(settings, null, 2)}\n`);
  return settings;
}

async function readSettings<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (cause) {
    throw new ProjError(`Cannot resume the run of ${path}`, {
      code: 'not-a-run',
      expected: 'the settings with which it began, as JSON',
      received: (cause as Error).message,
      fix: 'Begin a new run without --resume',
      cause,
    });
  }
}
