import { relative, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { isProjError } from '@proj/core';

/** Where the command was called; npm runs it in the repository's root. */
const userFolder = process.env.INIT_CWD ?? process.cwd();

type Options = NonNullable<ParseArgsConfig['options']>;

/** The command line by `options`; on `--help` or a wrong call prints `usage` and ends the process. */
export function commandLine<T extends Options>(usage: string, options: T, { allowPositionals = false } = {}) {
  try {
    const parsed = parseArgs({
      allowPositionals,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
    if ((parsed.values as { help?: boolean }).help) {
      console.log(usage);
      process.exit(0);
    }
    return parsed as ReturnType<typeof parseArgs<{ allowPositionals: true; options: T }>>;
  } catch (error) {
    wrongCall((error as Error).message, usage);
  }
}

/** Says what is wrong with the call and how it goes, and ends the process with exit code 2. */
export function wrongCall(message: string, usage: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

/** A whole number of at least `least` from an option's text. */
export function wholeNumber(name: string, text: string, least: number, usage: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least) {
    wrongCall(`--${name} expects a whole number of at least ${least}, not "${text}".`, usage);
  }
  return value;
}

/** A path as the user meant it: from the folder the command was called in, also below the repository's root. */
export function userPath(path: string): string {
  return resolve(userFolder, path);
}

/** An absolute path as the user can type it in a shell where the command was called. */
export function shownPath(path: string): string {
  const shown = relative(userFolder, path) || '.';
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}

/** Runs a command; an error the user can mend is shown as its message alone, any other with its stack. Exit code 1. */
export async function runCommand(command: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await command()) ?? 0;
  } catch (error) {
    console.error(isProjError(error) ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
