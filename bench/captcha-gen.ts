import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afocus } from '@proj/captcha-gen';
import { encodePng, writeFolder } from '@proj/captcha-gen/node';
import type { BenchmarkOptions } from './main.js';
import { machine } from './support/results.js';

export const options = ['json'] as const;

const ROUNDS = 9;
const RAW_COUNT = 2000;
const PNG_COUNT = 256;

/** What one row of the table holds: pictures a second, the median of the rounds with the slowest and the fastest. */
interface Row {
  readonly what: string;
  readonly picturesPerSecond: number;
  readonly slowest?: number;
  readonly fastest?: number;
  /** Whether the figure was measured here or is taken from elsewhere. */
  readonly source: 'measured' | 'quoted';
}

/**
 * Speed of the afocus style (128x64, MEDIUM, 4 of 62 characters, DejaVu Sans): raw pictures on one core, then PNG files
 * on all cores beside the encoder alone. Rounds of the contestants take turns, so that what else the machine does meets all alike.
 */
export default async function benchmark({ json }: BenchmarkOptions): Promise<void> {
  const style = afocus();
  const size = style.width * style.height * style.channels;
  const batch = new Uint8Array(64 * size);
  const images = Array.from({ length: PNG_COUNT }, (_, i) => style.generate(1, i).image);
  const folder = await mkdtemp(join(tmpdir(), 'bench-captcha-gen-'));

  const contestants: { what: string; count: number; run: (round: number) => unknown }[] = [
    {
      what: 'raw pixels into a batch, one core',
      count: RAW_COUNT,
      run: (round) => {
        for (let i = 0; i < RAW_COUNT; i++) style.generateInto(1, round * RAW_COUNT + i, batch, (i % 64) * size);
      },
    },
    { what: 'PNG encoder alone, all cores', count: PNG_COUNT, run: () => Promise.all(images.map(encodePng)) },
    {
      what: 'PNG files with manifest, all cores',
      count: PNG_COUNT,
      run: (round) => writeFolder(style, { count: PNG_COUNT, seed: 1, out: join(folder, String(round)) }),
    },
  ];

  const rates = contestants.map((): number[] => []);
  try {
    for (let round = -2; round < ROUNDS; round++) {
      for (const [i, { count, run }] of contestants.entries()) {
        const start = performance.now();
        await run(round + 2);
        if (round >= 0) rates[i]?.push((count * 1000) / (performance.now() - start)); // the first two rounds warm up
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }

  const rows: Row[] = [
    ...contestants.map(({ what }, i): Row => {
      const sorted = (rates[i] ?? []).sort((a, b) => a - b).map(Math.round);
      return {
        what,
        picturesPerSecond: sorted[Math.floor(sorted.length / 2)] ?? 0,
        slowest: sorted.at(0) ?? 0,
        fastest: sorted.at(-1) ?? 0,
        source: 'measured',
      };
    }),
    { what: 'afocus/captcha itself (Go), one core', picturesPerSecond: 550, source: 'quoted' },
  ];
  if (json) {
    console.log(JSON.stringify({ benchmark: 'captcha-gen', machine, rounds: ROUNDS, rows }));
    return;
  }
  console.log(`captcha-gen: pictures a second, median of ${ROUNDS} rounds (${machine})\n`);
  for (const { what, picturesPerSecond, slowest, fastest, source } of rows) {
    const range = source === 'quoted' ? 'quoted, another machine' : `${slowest} .. ${fastest}`;
    console.log(`  ${what.padEnd(40)} ${String(picturesPerSecond).padStart(7)}   ${range}`);
  }
}
