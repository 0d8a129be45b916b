import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { available } from '../reference.js';

const flags = /^flags.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0].split(/\s+/) ?? [];

/** Where the machine has AMX, the product itself is tested; elsewhere an addon with the same kernels and emulated instructions. */
export const hasTiles = flags.includes('amx_bf16');

/** Whether one of both can be. */
export const canRun = available && (hasTiles || (flags.includes('avx2') && flags.includes('fma')));

/** What a program of C++ in this folder prints. */
export function native(...sources: readonly string[]): string {
  const made = mkdtempSync(join(tmpdir(), 'amx-'));
  try {
    const files = sources.map((name) => fileURLToPath(new URL(name, import.meta.url)));
    execFileSync('g++', ['-std=c++17', '-O2', '-no-pie', '-o', join(made, 'program'), ...files]);
    return execFileSync(join(made, 'program'), { encoding: 'utf8' });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
