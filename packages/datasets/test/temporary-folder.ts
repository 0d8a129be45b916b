import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that is there until the test file ends; to be called by the file itself, not within a hook or a test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'datasets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
