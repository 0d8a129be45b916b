import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** What a contestant says of itself when it ends. */
export interface Ended {
  /** Highest resident memory of its process. */
  readonly peakBytes: number;
  /** Where the time of its measured calls went, if it can tell. */
  readonly profile?: readonly OperationShare[];
}

export interface OperationShare {
  readonly op: string;
  readonly calls: number;
  readonly milliseconds: number;
}

/**
 * A contestant in a process of its own, which speaks JSON lines on its standard output: `{"ready": description}` after
 * its warm-up, `{"milliseconds": t}` in answer to each line `run`, and an {@link Ended} in answer to `end`.
 */
export class Contestant {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;
  private complaint = '';

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.child.on('error', (error) => {
      this.complaint = error.message;
    });
    this.child.stderr!.on('data', (text: Buffer) => {
      this.complaint = (this.complaint + text).slice(-2000);
    });
    this.reader = createInterface({ input: this.child.stdout! });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** Waits for the end of its warm-up. @throws Error with what it said when it gives up instead. */
  async ready(): Promise<string> {
    return (await this.answer<{ ready: string }>()).ready;
  }

  /** Milliseconds of one measured call. */
  async run(): Promise<number> {
    this.child.stdin!.write('run\n');
    return (await this.answer<{ milliseconds: number }>()).milliseconds;
  }

  async end(): Promise<Ended> {
    this.child.stdin!.write('end\n');
    const ended = await this.answer<Ended>();
    this.reader.close();
    return ended;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async answer<T>(): Promise<T> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(this.complaint.trim().split('\n').at(-1) || 'ended without a word');
      // Libraries print what they like; an answer is a JSON object.
      if (value.startsWith('{')) return JSON.parse(value) as T;
    }
  }
}

/** The other side of a {@link Contestant} that is a Node program. */
export async function contest({ ready, run, end }: ContestantProgram): Promise<void> {
  const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  say({ ready });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'run') {
      const start = performance.now();
      await run();
      say({ milliseconds: performance.now() - start });
    } else {
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      say({ ...end(), peakBytes });
      break;
    }
  }
}

interface ContestantProgram {
  readonly ready: string;
  /** One measured call. */
  run(): Promise<unknown>;
  end(): Omit<Ended, 'peakBytes'>;
}
