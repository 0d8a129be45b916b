import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isProjError, ProjError } from '@proj/core';

/** Names a function so that another thread can find it: plain data. */
export interface ModuleDescriptor {
  /** A package's name, a path (relative ones start with `./` or `../`), or a URL as `import.meta.resolve` gives it. */
  readonly module: string;
  /** The name under which the module exports the function. */
  readonly export: string;
  /** Its one argument: JSON, or anything else that `structuredClone` copies. */
  readonly options?: unknown;
  /**
   * Where names and relative paths are looked up from, usually the caller's `import.meta.url`. Default: the program's
   * main script, then the working directory.
   */
  readonly parentURL?: string | undefined;
}

/**
 * The URL of a descriptor's module.
 * @throws ProjError `cannot-resolve-module`.
 */
export function resolveModule({ module, parentURL }: ModuleDescriptor): string {
  if (/^[a-z][a-z+.-]+:/i.test(module)) return module; // a URL; one letter before a colon is a drive
  if (isAbsolute(module)) return pathToFileURL(module).href;
  const parents = parentURL === undefined ? defaultParents() : [parentURL];
  let cause: unknown;
  for (const parent of parents) {
    // Not through `require`: it would refuse `.ts` and look for other extensions, which `import` does not do.
    if (/^\.\.?\//.test(module)) return new URL(module, parent).href;
    try {
      return pathToFileURL(createRequire(parent).resolve(module)).href;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new ProjError(`Cannot find the module '${module}'`, {
    code: 'cannot-resolve-module',
    expected: 'a module that can be imported from the program',
    received: `${(cause as Error).message.split('\n')[0]} (from ${parents.join(', ')})`,
    fix: `Install it, or pass \`module: import.meta.resolve('${module}')\` or \`parentURL: import.meta.url\``,
    cause,
  });
}

/**
 * Imports a descriptor's module and calls its export with its options.
 *
 * @param role what the result is for, for messages.
 * @throws ProjError `cannot-open-source` naming module and export; the module's own error is its cause.
 */
export async function callExport(descriptor: ModuleDescriptor, role: string): Promise<unknown> {
  const name = `'${descriptor.export}' of ${descriptor.module}`;
  let reason: string;
  let expected: string | undefined = 'a module that exports a function under this name';
  let fix: string | undefined = 'Check `module`, `export` and `options`';
  let cause: unknown;
  try {
    const exports: Record<string, unknown> = await import(descriptor.module);
    const open = exports[descriptor.export];
    if (typeof open === 'function') return await open(descriptor.options);
    reason = `the module exports ${Object.keys(exports).join(', ') || 'nothing'}`;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
    cause = error;
    if (isProjError(error)) [expected, fix] = [undefined, undefined]; // it tells its own
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      fix = 'Name a module in JavaScript: loaders such as tsx do not reach worker threads';
    }
  }
  throw new ProjError(`Cannot open the ${role} ${name}: ${reason}`, {
    code: 'cannot-open-source',
    ...(expected && { expected }),
    ...(fix && { fix }),
    cause,
  });
}

function defaultParents(): string[] {
  const workingDirectory = pathToFileURL(join(process.cwd(), 'main.js')).href;
  const mainScript = process.argv[1];
  return mainScript === undefined || !isAbsolute(mainScript)
    ? [workingDirectory]
    : [pathToFileURL(mainScript).href, workingDirectory];
}
