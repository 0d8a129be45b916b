import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of its own for the test that calls this, removed after it. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'trainer-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
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
  onTestFinished(() => void execFileSync('umount', [dir])); // before the folder goes: the last hook runs first
  return dir;
}

/** A folder that cannot be written to, not even by root. */
export function readOnlyFolder(): string | undefined {
  if (process.getuid?.() === 0) return smallDisk(4, 'ro');
  const dir = temporaryFolder();
  chmodSync(dir, 0o555);
  return dir;
}
