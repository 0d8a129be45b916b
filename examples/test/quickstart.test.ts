// The commands as a user calls them: real processes, real files.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quick } from '../quickstart/recipe.ts';

const examples = fileURLToPath(new URL('..', import.meta.url));
const minute = 60_000;
/** What `auto` comes to here. */
const best = existsSync(join(examples, '../packages/tfjs-backend-onednn/build/onednn.node')) ? 'onednn' : 'wasm';
const isShare = (value: number) => value >= 0 && value <= 1;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quickstart-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `examples/<script>`; paths among the arguments start from the test's folder. */
function start(script: string, ...args: string[]): { child: ChildProcess; done: Promise<Finished> } {
  const child = spawn(process.execPath, ['--import', 'tsx', join(examples, script), ...args], {
    cwd: examples,
    env: { ...process.env, INIT_CWD: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const done = new Promise<Finished>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, done };
}

const call = (script: string, ...args: string[]) => start(script, ...args).done;

async function waitFor(holds: () => boolean, done: Promise<Finished>): Promise<void> {
  let ended: Finished | undefined;
  done.then((result) => {
    ended = result;
  });
  while (!holds()) {
    if (ended !== undefined) throw new Error(`ended too early: ${ended.stderr}\n${ended.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const reportOf = (run: string) => JSON.parse(readFileSync(join(folder, run, 'report.json'), 'utf8'));
const stepsOf = (run: string): number[] =>
  readFileSync(join(folder, run, 'log.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"step"'))
    .map((line) => JSON.parse(line).step);
/** The steps after which a checkpoint stands; one is written before the first. */
const checkpointsOf = (run: string): number[] => {
  const path = join(folder, run, 'checkpoints');
  const names = existsSync(path) ? readdirSync(path) : [];
  return names.flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number);
};

describe.each(['cpu', 'wasm', 'auto'])('quickstart --quick on %s', (backend) => {
  it('goes the whole way, and evaluate and solve work on its model', { timeout: 8 * minute }, async () => {
    const { code, stdout, stderr } = await call(
      'quickstart/main.ts',
      '--quick',
      '--out',
      backend,
      '--backend',
      backend,
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/of 64 unseen captchas read exactly/);
    for (const file of ['report.md', 'curves.png', 'curves.svg', 'predictions.png', 'log.jsonl', 'model/model.json']) {
      expect(existsSync(join(folder, backend, file)), file).toBe(true);
    }
    expect(readdirSync(join(folder, backend, 'tensorboard'))).toHaveLength(1);
    const report = reportOf(backend);
    expect(report.backend).toBe(backend === 'auto' ? best : backend);
    expect(report).toMatchObject({ experiment: 'quickstart', model: 'v4', seed: 1, precision: 'float32' });
    expect(report.final.charAccuracy).toSatisfy(isShare);

    const data = join(folder, 'captchas');
    await writeCaptchas(data, 12);
    const evaluated = await call(
      'evaluate.ts',
      '--model',
      `${backend}/model`,
      '--data',
      'captchas',
      '--backend',
      backend,
    );
    expect(evaluated.code, evaluated.stderr).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toEqual({
      n: 12,
      exactMatch: expect.toSatisfy(isShare),
      charAccuracy: expect.toSatisfy(isShare),
    });
    const pictures = readdirSync(data)
      .slice(0, 3)
      .map((name) => `captchas/${name}`);
    const solved = await call('solve.ts', '--model', `${backend}/model`, '--backend', backend, ...pictures);
    expect(solved.code, solved.stderr).toBe(0);
    const lines = solved.stdout.trim().split('\n');
    expect(lines.map((line) => line.split('\t')[0])).toEqual(pictures);
    for (const line of lines) expect(line).toMatch(/\t[A-Za-z0-9]{4}\t[01]\.\d{4}$/);
  });
});

describe('a stopped quickstart', () => {
  it('goes on from the last checkpoint after SIGKILL', { timeout: 8 * minute }, async () => {
    const first = start('quickstart/main.ts', '--quick', '--out', 'killed');
    await waitFor(() => Math.max(...checkpointsOf('killed')) > 0, first.done);
    first.child.kill('SIGKILL');
    await first.done;
    const before = stepsOf('killed');

    const second = await call('quickstart/main.ts', '--out', 'killed', '--resume');
    expect(second.code, second.stderr).toBe(0);
    const after = stepsOf('killed').slice(before.length);
    expect(after[0]).toBeGreaterThan(0);
    expect(after[0]).toBeLessThanOrEqual(before.length);
    expect(after.at(-1)).toBe(quick.totalSteps - 1);
    expect(reportOf('killed').settings.batchSize).toBe(quick.batchSize);
  });

  it('saves on Ctrl-C, says how to go on, and does', { timeout: 8 * minute }, async () => {
    const first = start('quickstart/main.ts', '--quick', '--seed', '5', '--out', 'stopped');
    await waitFor(() => existsSync(join(folder, 'stopped/log.jsonl')) && stepsOf('stopped').length > 3, first.done);
    first.child.kill('SIGINT');
    const { code, stdout } = await first.done;
    expect(code).toBe(130);
    const steps = Number(/saved after (\d+) steps/.exec(stdout)?.[1]);
    expect(stdout).toContain('npm run quickstart -- --resume --out stopped');

    const other = await call('quickstart/main.ts', '--out', 'stopped', '--resume', '--seed', '6');
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/Expected seed 5.*Received 6/);

    const second = await call('quickstart/main.ts', '--out', 'stopped', '--resume');
    expect(second.code, second.stderr).toBe(0);
    expect(stepsOf('stopped')).toEqual(Array.from({ length: quick.totalSteps }, (_, i) => i));
    expect(steps).toBeGreaterThan(3);
  });

  it('keeps an earlier run beside a new one', { timeout: 8 * minute }, async () => {
    const first = start('quickstart/main.ts', '--quick', '--out', 'kept');
    await waitFor(() => existsSync(join(folder, 'kept/settings.json')), first.done);
    first.child.kill('SIGKILL');
    await first.done;
    writeFileSync(join(folder, 'kept/mine.txt'), 'precious');
    const second = start('quickstart/main.ts', '--quick', '--out', 'kept');
    await waitFor(() => existsSync(join(folder, 'kept.1/mine.txt')), second.done);
    second.child.kill('SIGKILL');
    expect((await second.done).stderr).toMatch(/Kept the earlier run as .*kept\.1/);
  });
});

describe('errors a user can mend', () => {
  it.each([
    ['evaluate.ts', ['--data', 'x'], 2, /--model and --data are needed/],
    ['evaluate.ts', ['--model', 'nowhere', '--data', 'x'], 1, /There is no model in .*nowhere/],
    ['solve.ts', ['--model', 'nowhere', 'a.png'], 1, /There is no model in .*nowhere/],
    ['quickstart/main.ts', ['--seed', 'x'], 2, /--seed expects a whole number/],
    ['quickstart/main.ts', ['--nonsense'], 2, /nonsense[\s\S]*Usage/],
    ['quickstart/main.ts', ['quick'], 2, /quick[\s\S]*Usage/],
    ['quickstart/main.ts', ['--out', 'other'], 1, /Cannot write a run to .*other[\s\S]*Name another one/],
    ['quickstart/main.ts', ['--quick', '--out', 'b', '--backend', 'quantum'], 1, /quantum/],
  ] as const)('%s %j', async (script, args, code, message) => {
    mkdirSync(join(folder, 'other'), { recursive: true });
    writeFileSync(join(folder, 'other', 'mine.txt'), 'precious');
    const result = await call(script, ...args);
    expect(readdirSync(join(folder, 'other'))).toEqual(['mine.txt']);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(code);
  });
});

/** Captchas in a folder, made by the generator's own command. */
async function writeCaptchas(out: string, count: number): Promise<void> {
  if (existsSync(out)) return;
  const cli = fileURLToPath(new URL('../../packages/captcha-gen/dist/cli.js', import.meta.url));
  const args = [cli, '--style', 'afocus', '--count', String(count), '--out', out, '--seed', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((resolve) => child.once('close', resolve));
}
