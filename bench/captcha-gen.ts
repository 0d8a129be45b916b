import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afocus, arithmetic, imageCaptcha, wide } from '@proj/captcha-gen';
import { encodePng, writeFolder } from '@proj/captcha-gen/node';
import type { Image } from '@proj/core';
import { Resvg } from '@resvg/resvg-js';
import sharp from 'sharp';
import svgCaptcha from 'svg-captcha';
import type { BenchmarkOptions } from './main.js';
import { keepResults, machine, tableOf } from './support/results.js';
import { temporaryFolder } from './support/temporary-folder.js';

export const options = ['json', 'save'] as const;

const ROUNDS = 9;
/** Pictures that are encoded in one turn. */
const ENCODED = 512;
/** Files that are written in one turn, by one core and by all: enough that the start of threads does not decide. */
const WRITTEN = 4096;
const WRITTEN_BY_ALL = 8192;

/** Captchas that are drawn in one turn, by their number a second: each turn takes some tenths of a second. */
const counts = { afocus: 3000, imageCaptcha: 200, wide: 250, arithmetic: 250, python: 100, svg: 60 };

const README = fileURLToPath(new URL('../packages/captcha-gen/README.md', import.meta.url));

/** A measurement as it is kept. */
export interface CaptchaResults {
  /** `yyyy-mm-dd` */
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/** What one row of the table holds: pictures a second, the median of the rounds with the slowest and the fastest. */
interface Row {
  readonly what: string;
  readonly picturesPerSecond: number;
  readonly slowest?: number;
  readonly fastest?: number;
  /** Median of the rounds' ratios to the row that it is measured against. */
  readonly ratio?: number;
  readonly against?: string;
  /** Whether the figure was measured here or is taken from elsewhere. */
  readonly source: 'measured' | 'quoted';
}

interface Contestant {
  readonly what: string;
  readonly count: number;
  /** The row it is laid against. */
  readonly against?: string;
  /** Milliseconds, where the contestant measures for itself. */
  run(round: number): unknown;
}

/**
 * Raw pictures a second of each style on one core beside Python's captcha (where PYTHON names an interpreter that has it),
 * then PNG files of afocus, drawn and listed, beside a PNG encoder alone, sharp's at the same level of compression on as many
 * cores. Rounds of the contestants take turns, so that what else the machine does meets all alike.
 */
export default async function benchmark({ json, save }: BenchmarkOptions): Promise<void> {
  const python = await pythonCaptcha();
  const style = afocus();
  const images = Array.from({ length: ENCODED }, (_, i) => style.generate(1, i).image);
  const folder = temporaryFolder('captcha-gen');

  const raw = [afocus(), imageCaptcha(), wide(), arithmetic()].map((each): Contestant => {
    const size = each.width * each.height * each.channels;
    const batch = new Uint8Array(64 * size);
    const count = counts[each.name as keyof typeof counts];
    return {
      what: `${each.name} ${each.width}x${each.height}, raw, one core`,
      count,
      ...(each.name === 'imageCaptcha' && python !== undefined ? { against: python.what } : {}),
      ...(each.name === 'afocus' || each.name === 'wide' ? { against: svg.what } : {}),
      run(round) {
        for (let i = 0; i < count; i++) each.generateInto(1, round * count + i, batch, (i % 64) * size);
      },
    };
  });
  const contestants: Contestant[] = [
    ...raw,
    svg,
    ...(python === undefined ? [] : [python]),
    {
      what: SHARP,
      count: ENCODED,
      async run() {
        for (const image of images) await encodeBySharp(image);
      },
    },
    { what: SHARP_BY_ALL, count: ENCODED, run: () => Promise.all(images.map(encodeBySharp)) },
    { what: 'PNG encoder alone, one core', count: ENCODED, run: () => images.map(encodePng) },
    {
      what: 'PNG files with manifest, one core',
      count: WRITTEN,
      against: SHARP,
      run: (round) => writeFolder(style, { count: WRITTEN, seed: 1, out: join(folder, `one-${round}`) }),
    },
    {
      what: 'PNG files with manifest, all cores',
      count: WRITTEN_BY_ALL,
      against: SHARP_BY_ALL,
      run: (round) =>
        writeFolder(style, {
          count: WRITTEN_BY_ALL,
          seed: 1,
          out: join(folder, `all-${round}`),
          threads: availableParallelism(),
        }),
    },
  ];

  const rates = new Map(contestants.map(({ what }) => [what, [] as number[]]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const { what, count, run } of contestants) {
      const start = performance.now();
      const own = await run(round + 2);
      const milliseconds = typeof own === 'number' ? own : performance.now() - start;
      if (round >= 0) rates.get(what)!.push((count * 1000) / milliseconds); // the first two rounds warm up
    }
  }

  const rows: Row[] = [
    ...contestants.map(({ what, against }): Row => {
      const own = rates.get(what)!;
      const sorted = [...own].sort((a, b) => a - b).map(Math.round);
      return {
        what,
        picturesPerSecond: median(own, 0),
        slowest: sorted.at(0)!,
        fastest: sorted.at(-1)!,
        ...(against === undefined
          ? {}
          : {
              against,
              ratio: median(
                own.map((rate, i) => rate / rates.get(against)![i]!),
                2,
              ),
            }),
        source: 'measured',
      };
    }),
    { what: 'afocus/captcha itself (Go), one core', picturesPerSecond: 550, source: 'quoted' },
  ];
  if (save) {
    const date = new Date().toISOString().slice(0, 10);
    const results: CaptchaResults = { date, machine, rounds: ROUNDS, rows };
    await keepResults('captcha-gen', README, results, captchaTable(results));
  }
  if (json) {
    console.log(JSON.stringify({ benchmark: 'captcha-gen', machine, rounds: ROUNDS, rows }));
    return;
  }
  console.log(`captcha-gen: pictures a second, median of ${ROUNDS} rounds (${machine})\n`);
  for (const { what, picturesPerSecond, slowest, fastest, ratio, against, source } of rows) {
    const range = source === 'quoted' ? 'quoted, another machine' : `${slowest} .. ${fastest}`;
    const beside = ratio === undefined ? '' : `   ${ratio} times ${against}`;
    console.log(`  ${what.padEnd(42)} ${String(picturesPerSecond).padStart(7)}   ${range}${beside}`);
  }
  if (python === undefined) console.log("\n  Python's captcha: not measured; PYTHON names no interpreter that has it.");
}

/** What the README shows of a measurement. */
export function captchaTable({ date, machine, rounds, rows }: CaptchaResults): string {
  const cells = rows.map(({ what, picturesPerSecond, ratio, against, source }) => [
    what,
    `${picturesPerSecond}${source === 'quoted' ? ' (quoted, another machine)' : ''}`,
    ratio === undefined ? '' : `${ratio} times ${against}`,
  ]);
  const note = `- ${date}: ${machine}; medians of ${rounds} rounds, in which all take turns.`;
  return `\n${[...tableOf([['pictures of', 'a second', 'beside'], ...cells]), '', note].join('\n')}\n\n`;
}

function median(values: readonly number[], digits: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(digits));
}

const SHARP = "sharp's PNG encoder alone, one core";
const SHARP_BY_ALL = "sharp's PNG encoder alone, all cores";

function encodeBySharp({ data, width, height }: Image): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 3 })
    .toBuffer();
}

/** The usual way in JavaScript: captchas as SVG, made into pixels. */
const svg: Contestant = {
  what: 'svg-captcha + resvg 150x50, raw, one core',
  count: counts.svg,
  run() {
    for (let i = 0; i < counts.svg; i++) new Resvg(svgCaptcha.create({ noise: 3, color: true }).data).render().pixels;
  },
};

/** Draws captchas of four symbols and prints how many milliseconds that took, without the start of the interpreter. */
const pythonScript = `
import random, string, sys, time
from captcha.image import ImageCaptcha
generator, symbols, count = ImageCaptcha(), string.ascii_letters + string.digits, int(sys.argv[1])
draw = lambda: generator.generate_image(''.join(random.choices(symbols, k=4)))
for _ in range(5): draw()
start = time.perf_counter()
for _ in range(count): draw()
print((time.perf_counter() - start) * 1000)
`;

/** Python's captcha, if there is one. */
async function pythonCaptcha(): Promise<Contestant | undefined> {
  const interpreter = process.env.PYTHON ?? 'python3';
  const draw = async (count: number) =>
    Number((await promisify(execFile)(interpreter, ['-c', pythonScript, String(count)])).stdout);
  try {
    await draw(1);
  } catch {
    return undefined;
  }
  return { what: "Python's captcha 160x60, raw, one core", count: counts.python, run: () => draw(counts.python) };
}
