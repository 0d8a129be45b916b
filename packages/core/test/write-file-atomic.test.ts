import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeFileAtomicSync } from '../src/node.js';

/** A file system of one megabyte of our own, without being root, where the kernel allows it. */
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'core-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('writes texts and bytes, makes folders, replaces, and leaves nothing else', async () => {
    const path = join(folder, 'a/b/file.txt');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, new Uint8Array([116, 119, 111]));
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['file.txt']);
  });

  it('keeps the old content when the target cannot be replaced, and says why', async () => {
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'taken/inside'), 'old');
    await expect(writeFileAtomic(join(folder, 'taken'), 'new')).rejects.toMatchObject({ code: 'cannot-write' });
    expect(readFileSync(join(folder, 'taken/inside'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('writes and replaces whole files at once, too', () => {
    const path = join(folder, 'file.txt');
    writeFileAtomicSync(path, 'one');
    writeFileAtomicSync(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    mkdirSync(join(folder, 'taken/inside'), { recursive: true });
    for (const name of ['taken', 'nowhere/file.txt']) {
      expect(() => writeFileAtomicSync(join(folder, name), 'new')).toThrow(/Cannot write .*(taken|nowhere)/);
    }
    expect(readdirSync(folder).sort()).toEqual(['file.txt', 'taken']);
  });

  it('writes files of the longest names there may be, and says of longer ones that it cannot', async () => {
    for (const name of ['a'.repeat(255), 'я'.repeat(127), '漢'.repeat(85), '😀'.repeat(63)]) {
      await writeFileAtomic(join(folder, name), 'one');
      writeFileAtomicSync(join(folder, name), 'two');
      expect(readFileSync(join(folder, name), 'utf8')).toBe('two');
    }
    const long = join(folder, 'a'.repeat(256));
    await expect(writeFileAtomic(long, 'one')).rejects.toMatchObject({ code: 'cannot-write' });
    expect(() => writeFileAtomicSync(long, 'one')).toThrow(expect.objectContaining({ code: 'cannot-write' }));
    expect(() => writeFileAtomicSync(join(folder, 'a'.repeat(256), 'b'), 'one')).toThrow(/Cannot write/);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  it.skipIf(!canMount)('names a full disk, and what stood there is unchanged', async () => {
    const path = join(folder, 'big');
    const { stdout } = await child(
      `await writeFileAtomic(${JSON.stringify(path)}, 'old');
       await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(4_000_000)).catch((e) => console.log(e.code, e.message));
       const fs = await import('node:fs');
       console.log(fs.readdirSync(${JSON.stringify(folder)}).join(), fs.readFileSync(${JSON.stringify(path)}, 'utf8'));`,
      ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs -o size=1m none ${folder} && exec "$@"`, 'sh'],
    );
    expect(stdout).toMatch(/^disk-full Cannot write .*no room left.*Free some room/);
    expect(stdout).toMatch(/\nbig old\n$/);
  });

  it('shows a reader whole files only, whenever the writer is killed', async () => {
    const path = join(folder, 'file');
    const size = 3_000_000;
    for (const delayMs of [60, 90, 130]) {
      const running = start(
        `for (let i = 0; ; i = (i + 1) % 250) await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(${size}).fill(i));`,
      );
      while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      running.kill('SIGKILL');
      await new Promise((resolve) => running.once('exit', resolve));
      const content = readFileSync(path);
      expect(content.length).toBe(size);
      expect(content.every((byte) => byte === content[0])).toBe(true);
    }
  });

  it.skipIf(process.getuid?.() === 0)('says that a folder is read-only', async () => {
    chmodSync(folder, 0o500);
    await expect(writeFileAtomic(join(folder, 'file'), 'x')).rejects.toThrow(/EACCES.*may be written to/);
    chmodSync(folder, 0o700);
  });
});

function script(body: string): string {
  return `import { writeFileAtomic, writeFileAtomicSync } from ${JSON.stringify(new URL('../dist/node.js', import.meta.url).href)};\n${body}`;
}

function start(body: string) {
  return spawn(process.execPath, ['--input-type=module', '-e', script(body)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function child(body: string, wrapper: string[] = []): Promise<{ stdout: string }> {
  const command = [...wrapper, process.execPath, '--input-type=module', '-e', script(body)];
  const running = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  running.stdout.on('data', (data) => (stdout += data));
  return new Promise((resolve) => running.once('close', () => resolve({ stdout })));
}
