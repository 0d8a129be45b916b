import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A folder of its own for a test, removed after it. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'trainer-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A file system of its own of so many KiB, unmounted after the test; undefined where this process may not mount. */
export function smallDisk(kib: number, mode: 'rw' | 'ro' = 'rw'): string | undefined {
  const dir = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k,${mode}`, 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  cleanups.push(() => execFileSync('umount', [dir]));
  return dir;
}

/** A folder that cannot be written to, not even by root. */
export function readOnlyFolder(): string | undefined {
  if (process.getuid?.() === 0) return smallDisk(4, 'ro');
  const dir = temporaryFolder();
  chmodSync(dir, 0o555);
  return dir;
}
