import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** What a figure was measured on. */
export interface MachineInfo {
  /** Name of the processor as the system tells it. */
  readonly cpu: string;
  /** Logical processors that this process may use. */
  readonly cores: number;
  /** Memory that this process may use, bytes. */
  readonly memoryBytes: number;
  /** Name and version of the system, its kernel and architecture. */
  readonly os: string;
  /** Version of Node, such as `v20.19.0`. */
  readonly node: string;
}

/** The machine that this process runs on; limits of a container count. */
export async function machineInfo(): Promise<MachineInfo> {
  const limit = process.constrainedMemory();
  const distribution = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(distribution)?.[1];
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    // Without a limit this is 0 or a number beyond any memory.
    memoryBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    os: [...(name ? [name] : []), `${type()} ${release()}`, arch()].join(', '),
    node: process.version,
  };
}

/** The commit checked out in `dir` (40 hex digits); `null` outside a checkout, before its first commit or without git. */
export async function gitCommit(dir: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--verify', '--quiet', 'HEAD'], { cwd: dir });
    return stdout.trim();
  } catch {
    return null;
  }
}
