import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

it('the example of the README runs', { timeout: 120_000 }, () => {
  const code = /```ts\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!;
  // Inside the package, so that it finds itself under its own name.
  const cache = join(root, 'build');
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(cache, 'readme-'));
  try {
    writeFileSync(join(dir, 'example.mts'), code);
    const output = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'example.mts'], {
      cwd: dir,
      encoding: 'utf8',
    });
    const names = ['curves.png', 'curves.svg', 'predictions.png', 'predictions.svg', 'report.json', 'report.md'];
    expect(output.trim().split('\n').sort()).toEqual(names.map((name) => join(dir, 'runs', 'demo', name)));
    expect(readdirSync(join(dir, 'runs', 'demo')).sort()).toEqual([...names, 'events', 'log.jsonl'].sort());
    const { final } = JSON.parse(readFileSync(join(dir, 'runs', 'demo', 'report.json'), 'utf8'));
    expect(final).toEqual({ exactMatch: 2 / 3 });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
