import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../src/cli.js';
import { bundledFonts, charsets, partOf } from '../src/index.js';

const cli = fileURLToPath(new URL('../bin/captcha-gen.js', import.meta.url));
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'captcha-gen-cli-'));
});
afterAll(() => rm(root, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** The same in this process, which need not start first; what it prints comes back. */
async function call(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((text) => void out.push(`${text}\n`));
  vi.spyOn(console, 'error').mockImplementation((text) => void err.push(`${text}\n`));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  try {
    return { code: await main(args), stdout: out.join(''), stderr: err.join('') };
  } finally {
    vi.restoreAllMocks();
  }
}

async function labelsOf(out: string): Promise<string[]> {
  const text = await readFile(join(out, 'labels.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { label: string }).label);
}

describe('captcha-gen', { timeout: 120_000 }, () => {
  it('writes what is asked for and refuses to do so twice', async () => {
    const out = join(root, 'first');
    const args = ['--style', 'afocus', '--count', '5', '--out', out, '--seed', '1'];
    const first = await run(...args);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toContain(`5 captchas written to ${out}`);
    expect((await readdir(out)).sort()).toEqual(
      [...(await labelsOf(out)).map((label, i) => `${i}_${label}.png`), 'labels.jsonl'].sort(),
    );

    expect((await call(...args)).stderr).toContain('5 stood there already');
    const refused = await call('--count', '5', '--out', out, '--seed', '2');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^captcha-gen: Will not write captchas into .*--overwrite.*\n$/);
    expect((await call('--count', '3', '--out', out, '--seed', '2', '--overwrite')).code).toBe(0);
    expect(await readdir(out)).toHaveLength(4);
  });

  it('passes every option on', async () => {
    const out = join(root, 'options');
    const { code, stderr } = await call(
      ...[
        '--count=4',
        `--out=${out}`,
        '--seed=-3',
        '--start=7',
        '--width=200',
        '--height=50',
        '--length=3',
        '--charset=CLEAR',
      ],
      ...[
        '--disturbance=HIGH',
        '--front=#000000',
        '--front=#112233',
        '--background=#ffffff',
        '--part=test',
        '--pattern={i}.png',
      ],
    );
    expect(stderr).toContain('4 captchas written');
    expect(code).toBe(0);
    const records = (await readFile(join(out, 'labels.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map((record) => [record.file, record.seed, record.index])).toEqual(
      [7, 8, 9, 10].map((i) => [`${i}.png`, -3, i]),
    );
    for (const { label, parameters } of records) {
      expect(label).toMatch(new RegExp(`^[${charsets.CLEAR}]{3}$`));
      expect(partOf(label)).toBe('test');
      expect(parameters.background).toBe('#ffffff');
      expect(parameters.dots).toHaveLength(16);
    }
  });

  it('draws every style with its own options, in tar files and shards too', async () => {
    const styles = [
      ['imageCaptcha', '--length', '3-5', '--font', 'Oswald', '--font-size', '30', '--front', '#336699'],
      ['wide', '--charset', 'NUM', '--noise', '0', '--lines', '1', '--dots', '3', '--angle', '5', '--normalized'],
      ['arithmetic', '--operator', 'x', '--operands', '2-3'],
    ];
    for (const [style, ...rest] of styles) {
      const out = join(root, style!);
      const { stderr } = await call('--style', style!, '--count', '3', '--out', out, ...rest);
      expect(stderr).toContain('3 captchas written');
      const labels = await labelsOf(out);
      if (style === 'imageCaptcha') expect(labels.join(' ')).toMatch(/^\w{3,5} \w{3,5} \w{3,5}$/);
      if (style === 'wide') expect(labels.join(' ')).toMatch(/^\d{4,6} \d{4,6} \d{4,6}$/);
      if (style === 'arithmetic') expect(labels.every((label) => ['4', '6', '9'].includes(label))).toBe(true);
    }
    const out = join(root, 'tar');
    const args = ['--count', '20', '--tar', '--per-tar', '5', '--shard', '2/2', '--threads', '1', '--out', out];
    expect((await run(...args)).code).toBe(0); // threads run what is built
    expect((await readdir(out)).sort()).toEqual(['captchas-000002.tar', 'captchas-000003.tar', 'labels.jsonl']);
  });

  it('lists fonts', async () => {
    const { code, stdout } = await call('fonts', '--charset', 'NUM', '--folder', root);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines).toContainEqual(['Oswald-Regular', 'Oswald']);
    expect(lines).toHaveLength(bundledFonts.length);
    expect((await call('fonts', '--help')).stdout).toContain('--charset');
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const word of [
      '--style',
      'afocus',
      '--count',
      '--out',
      '--seed',
      '--overwrite',
      'NORMAL|MEDIUM|HIGH',
      'EXAMPLES',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('loads what reads fonts only when it draws', async () => {
    const { metafile } = await build({
      entryPoints: [fileURLToPath(new URL('../src/cli.ts', import.meta.url))],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      outdir: 'out',
      write: false,
      metafile: true,
      logLevel: 'error',
    });
    /** Packages that a file imports before its first line runs. */
    const packagesOf = (file: string): string[] =>
      metafile.outputs[file]!.imports.flatMap(({ path, kind, external }) =>
        kind !== 'import-statement' ? [] : external ? [path] : packagesOf(path),
      );
    expect(packagesOf('out/cli.js')).toContain('citty');
    expect(packagesOf('out/cli.js')).not.toContain('fontkit');
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))).toContain(
      'fontkit',
    );
  });

  it.each([
    [[], /--out.*a folder/],
    [['--out', 'x', '--coutn', '3'], /Unknown option --coutn/],
    [['--out', 'x', '--count', '-1'], /Unknown option -1/],
    [['--out', 'x', '--count', 'many'], /--count.*a number.*many/],
    [['--out', 'x', '--count', '1', '--count', '2'], /--count.*one value/],
    [['--out', 'x', '--disturbance', 'LOUD'], /NORMAL, MEDIUM, HIGH.*LOUD/],
    [['--out', 'x', '--style', 'wide', '--disturbance', 'HIGH'], /style wide has no option --disturbance/],
    [['--out', 'x', '--length', '4-5-6'], /--length.*the least and the most.*4-5-6/],
    [['--out', 'x', '--shard', '2'], /--shard.*1\/4.*2/],
    [['--out', 'x', '--shard', '3/2'], /from 1 to the number of parts.*3 of 2/],
    [['--out', 'x', '--per-tar', '3'], /--per-tar.*--tar/],
    [['--out', 'x', '--tar', '--pattern', '{i}.png'], /--pattern.*PNG files/],
    [['--out', 'x', '--font', 'nowhere.ttf'], /Cannot use the font nowhere.ttf/],
    [['fonts', '--charest', 'NUM'], /Unknown option --charest/],
  ])('answers %j with one clear message and exit code 1', async (args, message) => {
    const { code, stdout, stderr } = await call(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^captcha-gen: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it('stops at Ctrl-C, survives a kill, and goes on', async () => {
    const out = join(root, 'killed');
    const args = ['--count', '250', '--out', out, '--seed', '4'];
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGKILL', null],
    ] as const) {
      const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr.once('data', () => child.kill(signal));
      const code = await new Promise((resolve) => child.once('exit', resolve));
      expect(code).toBe(expected);
      const labels = await labelsOf(out);
      expect(labels.length).toBeGreaterThan(0);
      expect(labels.length).toBeLessThan(250);
    }
    expect((await run(...args)).code).toBe(0);
    const names = await readdir(out);
    expect(names.sort()).toEqual(
      [...(await labelsOf(out)).map((label, i) => `${i}_${label}.png`), 'labels.jsonl'].sort(),
    );
    expect(names).toHaveLength(251);
  });
});
