import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../src/node.js';

const root = mkdtempSync(join(tmpdir(), 'core-make-folder-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('makeFolder', () => {
  it('makes what is missing, several at once, and leaves what is there', async () => {
    const path = join(root, 'a/b/c');
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(root, 'a/b/d'))]);
    writeFileSync(join(path, 'file'), 'content');
    await makeFolder(path);
    await makeFolder('.');
    expect(statSync(join(path, 'file')).size).toBe(7);
    expect(existsSync(join(root, 'a/b/d'))).toBe(true);
  });

  it('fails where a file is in the way', async () => {
    writeFileSync(join(root, 'file'), '');
    await expect(makeFolder(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(join(root, 'file/inside'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it.skipIf(!existsSync('/proc/self'))('fails where no folders can be made', async () => {
    await expect(makeFolder('/proc/none/inside')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
