import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type ConsoleProgressOptions, consoleProgress, type StepEvent, type TrainEvent } from '../src/index.js';

class Screen extends Writable {
  text = '';
  constructor(
    readonly isTTY: boolean,
    readonly columns: number,
  ) {
    super();
  }
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** What a terminal shows: lines, the last one possibly unfinished. */
  get lines(): string[] {
    return this.text.split('\n').map((line) => line.split('\r').at(-1)!.replaceAll('\x1b[K', ''));
  }
}

const start: TrainEvent = { type: 'start', epochs: 10, stepsPerEpoch: 5, metrics: ['charAccuracy', 'exactMatch'] };
const step = (changes: Partial<StepEvent> = {}): StepEvent => ({
  type: 'step',
  epoch: 4,
  step: 20,
  stepInEpoch: 0,
  loss: 9,
  smoothedLoss: 0.81234,
  metrics: { charAccuracy: 0.871, exactMatch: 0.563 },
  learningRate: 0.00123,
  examplesPerSecond: 311.6,
  progress: 0.42,
  elapsedMs: 60_000,
  remainingMs: 185_000,
  examplesSeen: 100,
  dataWaitMs: 1,
  ...changes,
});

function show(
  events: readonly TrainEvent[],
  options: ConsoleProgressOptions & { tty?: boolean; columns?: number } = {},
): Screen {
  const { tty = true, columns = 140, ...rest } = options;
  const stream = new Screen(tty, columns);
  const listener = consoleProgress({ stream, unicode: true, ...rest });
  for (const event of events) void listener(event);
  return stream;
}

describe('consoleProgress in a terminal', () => {
  it('shows one line with everything', () => {
    expect(show([start, step()]).lines).toEqual([
      ' 42%  █████████████░░░░░░░░░░░░░░░░░  loss 0.8123  charAccuracy 87.1%  exactMatch 56.3%  3:05 left  lr 0.00123  312 pictures/s  epoch 5/10',
    ]);
  });

  it('leaves out what matters least where the terminal is narrow, and never fills more than its width', () => {
    const metrics = { charAccuracy: { label: 'chars' }, exactMatch: { label: 'exact' } };
    expect(show([start, step()], { columns: 80, metrics }).lines).toEqual([
      ' 42%  █████░░░░░░  loss 0.8123  chars 87.1%  exact 56.3%  3:05 left  lr 0.00123',
    ]);
    for (let columns = 1; columns <= 200; columns++) {
      const [line] = show([start, step()], { columns, metrics }).lines;
      expect(line!.length).toBeLessThan(columns);
      if (columns > 20) expect(line).toContain('loss 0.8123');
    }
  });

  it('takes 80 columns where the terminal knows no width', () => {
    expect(show([start, step()], { columns: 0 }).lines).toEqual(show([start, step()], { columns: 80 }).lines);
  });

  it('redraws in place, no more often than asked to', () => {
    const events = [0, 40, 80, 120, 160, 230].map((elapsedMs) => step({ elapsedMs }));
    const { text } = show([start, ...events], { intervalMs: 100 });
    expect(text.match(/\r/g)).toHaveLength(3); // at 0, 120 and 230 ms
    expect(text).not.toContain('\n');
  });

  it('shows a second run from its first step on', () => {
    const { lines } = show([start, step(), start, step({ elapsedMs: 10, progress: 0.01 })]);
    expect(lines).toEqual([expect.stringMatching(/^ {2}1%/)]);
  });

  it('gives lines of their own to what is to stay', () => {
    const { lines } = show(
      [
        start,
        step(),
        {
          type: 'validation',
          epoch: 4,
          step: 25,
          loss: 0.5,
          metrics: { exactMatch: 0.7 },
          elapsedMs: 1,
          examplesSeen: 1,
        },
        { type: 'validation', epoch: 5, step: 27, loss: 12, metrics: { cer: 1.25 }, elapsedMs: 1, examplesSeen: 1 },
        { type: 'learningRate', epoch: 4, step: 25, from: 0.01, to: 0.00005, reason: 'no improvement' },
        { type: 'warning', code: 'x', message: 'careful' },
        step({ progress: 1, remainingMs: 0, elapsedMs: 60_001 }),
        { type: 'end', reason: 'finished', epoch: 10, step: 50, elapsedMs: 3_723_000, examplesSeen: 1 },
      ],
      { columns: 60, unicode: false },
    );
    expect(lines).toEqual([
      'Validation after epoch 5: loss 0.5000, exactMatch 70.0%',
      'Validation after step 27: loss 12.0000, cer 1.250',
      'Learning rate 0.01 -> 5.0e-5: no improvement',
      'Warning: careful',
      expect.stringMatching(/^100% {2}#+ {2}loss 0\.8123/), // drawn at the end, though its turn had not come
      'Finished after 50 steps and 1:02:03',
      '',
    ]);
  });
});

describe('consoleProgress elsewhere', () => {
  it('writes a plain line every ten seconds', () => {
    const events = Array.from({ length: 25 }, (_, i) => step({ step: i, elapsedMs: 1000 * i, progress: i / 25 }));
    const { text } = show([start, ...events], { tty: false });
    for (const control of ['\r', '\x1b']) expect(text).not.toContain(control);
    expect(text.trimEnd().split('\n')).toEqual(
      [0, 10, 20].map(
        (i) =>
          `step ${i + 1} (${4 * i}%), loss 0.8123, charAccuracy 87.1%, exactMatch 56.3%, 3:05 left, lr 0.00123, 312 pictures/s`,
      ),
    );
  });

  it.each([
    [{ reason: 'time' }, 'Time is over after 7 steps and 42s'],
    [{ reason: 'aborted' }, 'Stopped after 7 steps and 42s'],
    [{ reason: 'signal', signal: 'SIGINT' }, 'Stopped by SIGINT after 7 steps and 42s'],
    [{ reason: 'failed', error: { code: 'x', message: 'no room' } }, 'Failed after 7 steps and 42s: no room'],
  ] as [object, string][])('says how it ended: %j', (how, line) => {
    const end = { type: 'end', epoch: 0, step: 7, elapsedMs: 42_000, examplesSeen: 1, ...how } as TrainEvent;
    expect(show([start, end], { tty: false }).lines).toEqual([line, '']);
  });

  it('says from where it goes on', () => {
    const resumed = { ...start, resumedFrom: { path: 'a/b', step: 12, epoch: 2 } } as TrainEvent;
    expect(show([resumed], { tty: false }).lines[0]).toBe('Going on after 12 steps, from a/b');
  });
});
