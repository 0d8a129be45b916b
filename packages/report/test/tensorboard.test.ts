import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { crc32c, scalarsRecord, sessionStartRecord, versionRecord } from '../src/event-file.js';
import { type TrainingEvent, tensorboard } from '../src/index.js';
import { messages, readEventFiles } from './read-events.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/tensorboard.json', import.meta.url), 'utf8'));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('event records', () => {
  it('have the checksums of RFC 3720, B.4', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(ascending)).toBe(0x46dd794e);
    expect(crc32c(ascending.reverse())).toBe(0x113fdb5c);
  });

  it('are what torch.utils.tensorboard writes, byte for byte', () => {
    expect(golden.scalars.length).toBe(8);
    for (const { wallTime, step, scalars, record } of golden.scalars) {
      const values = scalars.map(({ tag, value }: { tag: string; value: number | string }) => ({
        tag,
        value: value === 'inf' ? Number.POSITIVE_INFINITY : value,
      }));
      expect(hex(scalarsRecord(wallTime, step, values))).toBe(record);
    }
    const { wallTime, step, record } = golden.sessionStart;
    expect(hex(sessionStartRecord(wallTime, step))).toBe(record);
    const [version] = messages(Buffer.from(versionRecord(golden.version.wallTime)));
    expect(hex(version!)).toBe(golden.version.message);
  });

  it('hold any step up to 2^53', () => {
    const dir = mkdtempSync(join(tmpdir(), 'events-'));
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.float({ noNaN: true }), fc.string(), (step, value, tag) => {
        writeFileSync(join(dir, 'tfevents'), scalarsRecord(1.5, step, [{ tag, value }]));
        const [event] = readEventFiles(dir)[0]!;
        expect(event).toMatchObject({ wallTime: 1.5, step });
        expect(Object.entries(event!.scalars)).toEqual([[Buffer.from(tag).toString(), value]]);
      }),
      { numRuns: 50 },
    );
    rmSync(dir, { recursive: true });
  });
});

describe('tensorboard', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tensorboard-'));
  });
  afterEach(() => {
    chmodSync(dir, 0o755);
    rmSync(dir, { recursive: true });
  });

  it('writes one loss where a metric is called loss too', () => {
    const listen = tensorboard(dir);
    listen({ type: 'step', step: 0, loss: 2, metrics: { loss: 9, exact: 0.5 } });
    listen.close();
    const [file] = readdirSync(dir);
    const bytes = readFileSync(join(dir, file!), 'latin1');
    expect(bytes.split('train/loss')).toHaveLength(2);
    expect(readEventFiles(dir)[0]!.at(-1)!.scalars).toMatchObject({ 'train/loss': 2, 'train/exact': 0.5 });
  });

  let clock = 1_700_000_000_000;
  const now = () => (clock += 500);
  const step = (index: number, loss: number): TrainingEvent => ({
    type: 'step',
    step: index,
    loss,
    metrics: { exact: 0.5 },
    learningRate: 0.25,
    examplesPerSecond: 120,
  });

  it('writes each figure over the number of steps done, at once', () => {
    const listener = tensorboard(join(dir, 'made', 'events'), { now });
    listener({ type: 'start' });
    listener(step(0, 4));
    const events = () => readEventFiles(join(dir, 'made', 'events'))[0]!;
    expect(events().at(-1)).toMatchObject({
      step: 1,
      scalars: {
        'train/loss': 4,
        'train/exact': 0.5,
        'train/learningRate': 0.25,
        'train/examplesPerSecond': 120,
      },
    });
    listener({ type: 'validation', step: 1, loss: 3, metrics: { exact: 0.75 } });
    expect(events().at(-1)).toMatchObject({ step: 1, scalars: { 'validation/loss': 3, 'validation/exact': 0.75 } });
    expect(Object.keys(events().at(-1)!.scalars).length).toBe(2);
    expect(events()[0]).toMatchObject({ version: 'brain.Event:2', step: 0 });
    expect(events()[0]!.wallTime).toBeGreaterThan(1_700_000_000);
    expect(events()[0]!.wallTime).toBeLessThan(1_700_000_100);
    expect(events().length).toBe(4);
    listener.close();
  });

  it('starts a new file after a resume, which takes over from the step the run goes on from', () => {
    const first = tensorboard(dir, { now });
    first({ type: 'start' });
    for (const i of [0, 1, 2, 3]) first(step(i, 10 - i));
    // the process is killed here, the last checkpoint was made after two steps
    const second = tensorboard(dir, { now });
    second({ type: 'start', resumedFrom: { step: 2 } });
    for (const i of [2, 3, 4]) second(step(i, 20 - i));
    second({ type: 'end' });

    const files = readEventFiles(dir);
    expect(files.length).toBe(2);
    expect(files[0]!.map(({ step }) => step)).toEqual([0, 0, 1, 2, 3, 4]);
    expect(files[0]!.map(({ isSessionStart }) => isSessionStart)).toEqual([false, true, false, false, false, false]);
    expect(files[1]!.map(({ step }) => step)).toEqual([0, 3, 3, 4, 5]);
    expect(files[1]![1]!.isSessionStart).toBe(true);
    first.close();
  });

  it('goes on in another file after `end` and `close`, in the same second too', () => {
    const listener = tensorboard(dir, { now: () => 1_700_000_000_000 });
    for (const i of [0, 1, 2]) {
      listener(step(i, 1));
      listener({ type: 'end' });
      listener.close();
    }
    expect(readEventFiles(dir).map((events) => events.at(-1)!.step)).toEqual([1, 2, 3]);
  });

  it('passes over events that are not charted, and makes no file for them', () => {
    const listener = tensorboard(join(dir, 'none'));
    listener({ type: 'checkpoint', step: 3 });
    listener({ type: 'epoch', step: 3, loss: 2, metrics: {} });
    listener({ type: 'end' });
    expect(() => readEventFiles(join(dir, 'none'))).toThrow('ENOENT');
  });

  it('says when it cannot write', () => {
    writeFileSync(join(dir, 'file'), '');
    const listener = tensorboard(join(dir, 'file', 'events'));
    expect(() => listener(step(0, 1))).toThrow(
      expect.objectContaining({ name: 'ProjError', code: 'cannot-write-events' }),
    );
  });

  it('takes the events of a trainer as they are', () => {
    type TrainerEvent =
      | {
          readonly type: 'start';
          readonly metrics: readonly string[];
          readonly resumedFrom?: { step: number } | undefined;
        }
      | {
          readonly type: 'step';
          readonly step: number;
          readonly loss: number;
          readonly metrics: Record<string, number>;
        }
      | { readonly type: 'validation'; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
      | { readonly type: 'learningRate'; readonly from: number; readonly to: number }
      | { readonly type: 'end'; readonly reason: string };
    expectTypeOf<TrainerEvent>().toExtend<TrainingEvent>();
    expectTypeOf(tensorboard('x')).toExtend<(event: TrainerEvent) => void>();
  });
});
