import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** What a contestant says of itself when it ends. */
export interface Ended {
  /** Highest resident memory of its process. */
  readonly peakBytes: number;
  /** Its calls since the warm-up. */
  readonly calls: number;
  /** Where the time of these calls went, if it can tell. */
  readonly profile?: readonly OperationShare[];
  /** Floating-point operations a second of a large product of matrices in its precision, the fastest of some. */
  readonly peakFlops?: number;
  /** Of these calls, the time until JavaScript had asked for everything, while it was being computed. */
  readonly askingMilliseconds?: number;
}

export interface OperationShare {
  readonly op: string;
  readonly calls: number;
  readonly milliseconds: number;
  /** Floating-point operations of its products. */
  readonly flops: number;
}

/**
 * A contestant in a process of its own, which speaks JSON lines on its standard output: `{"ready": description}` after
 * its warm-up; `{"milliseconds": t}`, of one call, in answer to a line `run 10` for ten of them; `{"outputs": [...]}` to
 * `outputs`, if it has any to show; and an {@link Ended} to `end`.
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

  /** Milliseconds of a measured call, the mean of `calls` without a pause between them. */
  async run(calls = 1): Promise<number> {
    return (await this.ask<{ milliseconds: number }>(`run ${calls}`)).milliseconds;
  }

  /** The numbers that a call computes. */
  async outputs(): Promise<readonly number[]> {
    return (await this.ask<{ outputs: number[] }>('outputs')).outputs;
  }

  async end(): Promise<Ended> {
    const ended = await this.ask<Ended>('end');
    this.reader.close();
    return ended;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private ask<T>(command: string): Promise<T> {
    this.child.stdin!.write(`${command}\n`);
    return this.answer<T>();
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

/** A compiler of JavaScript, and libraries that try several ways, take their time. */
const WARM_UP = { calls: 2, milliseconds: 1500 };

/** The other side of a {@link Contestant} that is a Node program. */
export async function contest({ description, run, begin, outputs, end }: ContestantProgram): Promise<void> {
  const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const started = performance.now();
  for (let i = 0; i < WARM_UP.calls || performance.now() - started < WARM_UP.milliseconds; i++) await run();
  begin?.();
  say({ ready: description });
  let calls = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, count] = line.split(' ');
    if (command === 'run') {
      const start = performance.now();
      for (let i = 0; i < Number(count); i++) await run();
      say({ milliseconds: (performance.now() - start) / Number(count) });
      calls += Number(count);
    } else if (command === 'outputs') {
      say({ outputs: Array.from((await outputs?.()) ?? []) });
      calls++;
    } else {
      const peakBytes = process.resourceUsage().maxRSS * 1024;
      say({ ...end?.(), calls, peakBytes });
      break;
    }
  }
}

interface ContestantProgram {
  readonly description: string;
  /** One measured call. */
  run(): Promise<unknown>;
  /** Called after the warm-up. */
  begin?(): void;
  /** A call that gives what it computed. */
  outputs?(): Promise<ArrayLike<number>>;
  end?(): Omit<Ended, 'peakBytes' | 'calls'>;
}
