// The commands as a user calls them: real processes, real files.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const examples = fileURLToPath(new URL('..', import.meta.url));
export const minute = 60_000;

/** A folder for one test file; paths in calls start from it. */
export const folder = mkdtempSync(join(tmpdir(), 'quickstart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `examples/<script>`. */
export function start(script: string, ...args: string[]): { child: ChildProcess; done: Promise<Finished> } {
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

export const call = (script: string, ...args: string[]) => start(script, ...args).done;

/** Until `holds`; throws when the process ends before. */
export async function waitFor(holds: () => boolean, done: Promise<Finished>): Promise<void> {
  let ended: Finished | undefined;
  done.then((result) => {
    ended = result;
  });
  while (!holds()) {
    if (ended !== undefined) throw new Error(`ended too early: ${ended.stderr}\n${ended.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const reportOf = (run: string) => JSON.parse(readFileSync(join(folder, run, 'report.json'), 'utf8'));

const logOf = (run: string) =>
  readFileSync(join(folder, run, 'log.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"step"'))
    .map((line) => JSON.parse(line));

/** The steps in the log of a run, in the order they were told. */
export const stepsOf = (run: string): number[] => logOf(run).map(({ step }) => step);

/** Their losses. */
export const lossesOf = (run: string): number[] => logOf(run).map(({ loss }) => loss);

/** The steps after which a checkpoint stands; one is written before the first. */
export const checkpointsOf = (run: string): number[] => {
  const path = join(folder, run, 'checkpoints');
  const names = existsSync(path) ? readdirSync(path) : [];
  return names.flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number);
};
