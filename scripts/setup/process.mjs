import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, setupFolder } from './paths.mjs';
import { freeBytes } from './requirements.mjs';

/** Runs a program in the foreground with this terminal; gives its exit code. Ctrl-C is the program's to handle. */
export function run(program, args, { env = {} } = {}) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  const ignore = () => undefined; // the terminal sends SIGINT to the child as well
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', ignore);
  process.on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/**
 * One step of setting up: a program whose output goes to `.setup/<name>.log`. Says in one line what it does, and when
 * it fails throws an error with the log's text, for the caller to explain.
 */
export async function step(name, title, program, args, { env = {}, cwd = root } = {}) {
  mkdirSync(setupFolder, { recursive: true });
  const log = join(setupFolder, `${name}.log`);
  const output = openSync(log, 'w');
  const started = performance.now();
  process.stderr.write(`${title} ...`);
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', output, output], env: { ...process.env, ...env } });
    child.once('error', (error) => resolve(error.message));
    child.once('close', resolve);
  });
  closeSync(output);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stderr.write(code === 0 ? ` ${seconds} s\n` : ` failed after ${seconds} s\n`);
  if (code === 0) return;
  const reason = typeof code === 'string' ? `\n${code}` : '';
  throw new StepFailure(`${readFileSync(log, 'utf8')}${reason}`, log);
}

/** A step that ended badly: what it said, and the file where all of that is. */
export class StepFailure extends Error {
  constructor(output, log) {
    super(output.trim().split('\n').slice(-12).join('\n'));
    this.log = log;
    this.output = output;
  }

  /** The failure as a person understands it: its cause and mend where they are known, else the log's end. */
  explain() {
    // A full disk leaves no room for a log that says so.
    const output = freeBytes() < 1e6 ? 'ENOSPC' : this.output;
    const known = KNOWN_CAUSES.find(({ pattern }) => pattern.test(output));
    return `${known?.says ?? this.message}${this.log === undefined ? '' : `\nThe whole log: ${this.log}`}`;
  }
}

const KNOWN_CAUSES = [
  {
    pattern: /ENOSPC|no space left/i,
    says: 'No room on the disk (or on that of your home folder, where pnpm keeps packages). Free some and call again.',
  },
  {
    pattern: /EACCES|EROFS|permission denied|read-only file system/i,
    says: 'The checkout, or the home folder, may not be written to. Clone to a folder of your own and call again.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|META_FETCH_FAIL/i,
    says:
      'No network: the package registry could not be reached. Connect, or name a registry that you can reach with ' +
      '`npm config set registry URL`, and call the command again.',
  },
];
