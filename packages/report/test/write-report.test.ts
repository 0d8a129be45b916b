import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImage } from '@proj/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { confusedCharacters, type Run, type RunRecord, type TrainingLog, writeReport } from '../src/index.js';
import { decode } from './read-png.js';

const record: RunRecord = {
  experiment: 'quickstart',
  model: 'captcha-v4',
  seed: 7,
  commit: '0123456789abcdef0123456789abcdef01234567',
  machine: { cpu: 'A <fast> CPU', cores: 2, memoryBytes: 8 * 2 ** 30, os: 'Linux 6.1, x64', node: 'v20.19.0' },
  backend: 'onednn',
  precision: 'float32',
  settings: { batchSize: 128, optimizer: { name: 'adamw', weightDecay: 0.01 }, charset: 'a|b', limits: [1, 2] },
  seconds: 487.25,
  epochs: [
    { epoch: 0, step: 50, loss: 12.3456, metrics: { exact: 0.125 }, learningRate: 0.002 },
    {
      epoch: 1,
      step: 100,
      loss: 0.5,
      metrics: { exact: 0.9 },
      learningRate: 0.00001234,
      validation: { loss: 0.25, metrics: { exact: 0.95 } },
    },
  ],
  final: { exact: 0.9912, loss: 0.0421, pictures: 2000 },
};
const log: TrainingLog = {
  steps: Array.from({ length: 100 }, (_, step) => ({
    step,
    loss: 100 - step,
    metrics: { exact: step / 100 },
    learningRate: 0.001,
  })),
  validations: [
    { step: 50, loss: 5, metrics: { exact: 0.5 } },
    { step: 100, loss: 1, metrics: { exact: 1 } },
  ],
};
const predictions = ['ab', 'cd'].map((truth) => ({ image: createImage(16, 8, 3), truth, prediction: 'ab' }));

describe('writeReport', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'report-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');

  it('writes report.json with exactly the keys of a run record, in their order', async () => {
    await writeReport(dir, { ...record, title: 'T', predictions, original: { source: 'x', final: {} } });
    expect(JSON.parse(read('report.json'))).toEqual(record);
    expect(Object.keys(JSON.parse(read('report.json')))).toEqual([
      'experiment',
      'model',
      'seed',
      'commit',
      'machine',
      'backend',
      'precision',
      'settings',
      'seconds',
      'epochs',
      'final',
    ]);
  });

  it('puts the validations of the log to their epochs, and null for what JSON cannot hold', async () => {
    await writeReport(dir, { ...record, commit: null, final: { exact: Number.NaN }, log });
    const { epochs, commit, final } = JSON.parse(read('report.json'));
    expect(epochs[0].validation).toEqual({ loss: 5, metrics: { exact: 0.5 } });
    expect(epochs[1].validation).toEqual({ loss: 0.25, metrics: { exact: 0.95 } });
    expect(commit).toBeNull();
    expect(final).toEqual({ exact: null });
    expect(read('report.md')).toContain('| Commit | unknown |');
  });

  it('writes the figures beside it and nothing else, and says what it wrote', async () => {
    const files = await writeReport(join(dir, 'runs', 'one'), { ...record, log, predictions });
    const names = ['curves.png', 'curves.svg', 'predictions.png', 'predictions.svg', 'report.json', 'report.md'];
    expect(readdirSync(join(dir, 'runs', 'one')).sort()).toEqual(names);
    expect([...files].sort()).toEqual(names.map((name) => join(dir, 'runs', 'one', name)));
    for (const name of ['curves', 'predictions']) {
      const [, width] = /width="(\d+)"/.exec(read(join('runs', 'one', `${name}.svg`)))!.map(Number);
      expect((await decode(readFileSync(join(dir, 'runs', 'one', `${name}.png`)))).width).toBe(2 * width!);
    }
    const page = read(join('runs', 'one', 'report.md'));
    for (const [, target] of page.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)) {
      expect(existsSync(join(dir, 'runs', 'one', target!))).toBe(true);
    }
    expect([...page.matchAll(/!\[/g)].length).toBe(2);
  });

  it('reads nothing in a name as Markdown or HTML', async () => {
    await writeReport(dir, { ...record, title: 'R&amp;D ~~old~~ <b> *a*' });
    expect(read('report.md').split('\n')[0]).toBe('# R\\&amp;D \\~\\~old\\~\\~ \\<b\\> \\*a\\*');
  });

  it('writes the page', async () => {
    const run: Run = {
      ...record,
      log,
      predictions,
      confusions: confusedCharacters(
        predictions.map(({ truth }) => truth),
        predictions.map(({ prediction }) => prediction),
      ),
      original: { source: 'captcha-cnn.md, v3', final: { exact: 0.5 } },
    };
    await writeReport(dir, run);
    expect(read('report.md')).toBe(`# quickstart, captcha-v4

## Result

| Measure | This run | Original report | Difference |
| --- | ---: | ---: | ---: |
| Exact | 99.12% | 50.00% | +49.12 points |
| Loss | 0.0421 |  |  |
| Pictures | 2,000 |  |  |

Original report: captcha-cnn.md, v3

## Learning curves

![Loss, metrics and learning rate](curves.png)

## Trend

| Epoch | Steps | Loss | Exact | Validation loss | Validation exact | Learning rate |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| 1 | 50 | 12.35 | 12.50% | 5 | 50.00% | 0.002 |
| 2 | 100 | 0.5 | 90.00% | 0.25 | 95.00% | 1.23e-5 |

## Predictions

![Pictures and what was read](predictions.png)

## Most confused characters

| Character | Read as | Times | Of its occurrences |
| --- | --- | ---: | ---: |
| \`c\` | \`a\` | 1 | 100.0% of 1 |
| \`d\` | \`b\` | 1 | 100.0% of 1 |

## Settings

| Setting | Value |
| --- | --- |
| \`batchSize\` | 128 |
| \`optimizer.name\` | adamw |
| \`optimizer.weightDecay\` | 0.01 |
| \`charset\` | a\\|b |
| \`limits\` | \\[1,2\\] |

## Environment

|  |  |
| --- | --- |
| Processor | A \\<fast\\> CPU, 2 cores |
| Memory | 8.0 GiB |
| System | Linux 6.1, x64 |
| Node | v20.19.0 |
| Backend | onednn |
| Precision | float32 |
| Seed | 7 |
| Commit | \`0123456789abcdef0123456789abcdef01234567\` |
| Time | 8 min 7 s |
`);
  });

  it('shows the trend by validation where there are no epochs to show', async () => {
    await writeReport(dir, { ...record, epochs: [], log });
    // Mean training loss since the validation before: of 100..51 and of 50..1
    expect(read('report.md')).toContain(`| Steps | Loss | Exact | Validation loss | Validation exact | Learning rate |
| ---: | ---: | ---: | ---: | ---: | ---: |
| 50 | 75.5 | 49.00% | 5 | 50.00% | 0.001 |
| 100 | 25.5 | 99.00% | 1 | 100.00% | 0.001 |
`);
  });

  it('shows at most 20 rows of a long trend, the first and the last among them', async () => {
    const epochs = Array.from({ length: 150 }, (_, epoch) => ({
      epoch,
      step: (epoch + 1) * 10,
      loss: 1,
      metrics: {},
      learningRate: 0.1,
    }));
    await writeReport(dir, { ...record, epochs });
    const rows = [...read('report.md').matchAll(/^\| (\d+) \| [\d,]+ \| 1 \| 0\.1 \|$/gm)].map(([, epoch]) =>
      Number(epoch),
    );
    expect(rows.length).toBe(20);
    expect([rows[0], rows.at(-1)]).toEqual([1, 150]);
    expect(read('report.md')).toContain('20 of 150 rows.');
    expect(JSON.parse(read('report.json')).epochs.length).toBe(150);
  });

  it('reports a run that ended before its first step', async () => {
    const files = await writeReport(dir, { ...record, epochs: [], final: {}, log: { steps: [], validations: [] } });
    expect(files.map((file) => file.slice(dir.length + 1))).toEqual(['report.md', 'report.json']);
    expect(read('report.md')).not.toContain('## Trend');
  });

  it('leaves no half file: what stood there stays until all of the new one is written', async () => {
    writeFileSync(join(dir, 'report.json'), 'of the last run');
    mkdirSync(join(dir, 'report.md', 'in the way'), { recursive: true });
    await expect(writeReport(dir, record)).rejects.toMatchObject({ name: 'ProjError', code: 'cannot-write' });
    expect(read('report.json')).toBe('of the last run');
    expect(readdirSync(dir).sort()).toEqual(['report.json', 'report.md']);
  });

  it.each([
    ['model', ''],
    ['seed', Number.NaN],
    ['commit', undefined],
    ['machine', null],
    ['seconds', '3'],
    ['epochs', {}],
    ['final', { exact: '99%' }],
  ])('does not report a run whose %s is %j', async (key, value) => {
    await expect(writeReport(dir, { ...record, [key]: value } as Run)).rejects.toMatchObject({
      name: 'ProjError',
      code: 'invalid-run',
      message: expect.stringContaining(`\`${key}\``),
    });
    expect(readdirSync(dir)).toEqual([]);
  });
});
