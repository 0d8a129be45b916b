import { availableParallelism } from 'node:os';
import { type ArgsDef, defineCommand, parseArgs, renderUsage } from 'citty';
import { namedCharset, readStyle, styleOptions } from './cli-style.js';
import { type Arguments, checkNames, invalid, list, number, text } from './cli-values.js';
import { defaultPattern } from './file-name.js';
import type { Shard } from './sequence.js';
import type { WriteOptions } from './write-folder.js';

const options = {
  ...styleOptions,
  count: {
    type: 'string',
    default: '100',
    valueHint: 'n',
    description: 'How many captchas are to be there in the end (default 100)',
  },
  out: { type: 'string', valueHint: 'dir', description: 'Folder to write to (needed)' },
  seed: {
    type: 'string',
    default: '1',
    valueHint: 'number',
    description: 'Names the sequence of captchas (default 1)',
  },
  start: {
    type: 'string',
    default: '0',
    valueHint: 'i',
    description: 'Index of the first captcha in the sequence (default 0)',
  },
  pattern: {
    type: 'string',
    valueHint: 'name',
    description: `File names: {i} is the index, {label} the label (default ${defaultPattern})`,
  },
  tar: {
    type: 'boolean',
    default: false,
    description: 'WebDataset tar files instead of a PNG file for each captcha',
  },
  'per-tar': { type: 'string', valueHint: 'n', description: 'Captchas in each tar file (default 1000)' },
  shard: {
    type: 'string',
    valueHint: 'k/n',
    description: 'Only the k-th of n parts of the captchas, to share the work among machines; a folder for each',
  },
  threads: {
    type: 'string',
    valueHint: 'n',
    description: 'Threads that draw (default: the processor has them, for 2,000 captchas or more, else none)',
  },
  overwrite: { type: 'boolean', default: false, description: 'Delete the captchas that stand in the folder' },
  help: { type: 'boolean', alias: 'h', default: false, description: 'Show this' },
} as const satisfies ArgsDef;

const fontOptions = {
  charset: {
    type: 'string',
    valueHint: 'name|symbols',
    description: 'Only fonts that have these symbols; a named charset, or the symbols themselves',
  },
  folder: { type: 'string', valueHint: 'dir', description: "Looked through instead of the system's; may be repeated" },
  help: { type: 'boolean', alias: 'h', default: false, description: 'Show this' },
} as const satisfies ArgsDef;

const command = defineCommand({
  meta: {
    name: 'captcha-gen',
    description:
      'Writes captchas as PNG files with labels.jsonl. Repeat a stopped call and it goes on; the same seed gives the same pictures. "captcha-gen fonts" lists fonts.',
  },
  args: options,
});

const fontsCommand = defineCommand({
  meta: {
    name: 'captcha-gen fonts',
    description: 'Lists the fonts that --font takes: those of the package by name, those of the system by path.',
  },
  args: fontOptions,
});

const examples = `EXAMPLES

  captcha-gen --count 100 --out captchas --seed 1
  captcha-gen --count 1000 --out digits --charset NUM --length 6 --width 160 --part test
  captcha-gen --style wide --count 100000 --out train --tar --part train
  captcha-gen --style imageCaptcha --length 3-5 --font Oswald --font ./mine.ttf --out mixed
`;

/** From here on starting threads pays. */
const MANY = 2000;

/** Runs the command; gives the exit code: 0 done, 1 error (one clear message), 130 stopped by Ctrl-C. */
export async function main(argv: string[]): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  try {
    await (argv[0] === 'fonts' ? listFonts(argv.slice(1)) : writeCaptchas(argv, stop.signal));
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      console.error('\nStopped. The same command goes on from here.');
      return 130;
    }
    console.error(`captcha-gen: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function writeCaptchas(argv: string[], signal: AbortSignal): Promise<void> {
  const args = parseArgs(argv, options) as Arguments;
  if (args.help) {
    console.log(`${await renderUsage(command)}\n${examples}`);
    return;
  }
  checkNames(args, options, 'captcha-gen');
  const { name, options: told } = readStyle(args);
  const job = jobOf(args, signal);
  const tar = args.tar === true;
  const [pattern, perTar] = [text(args, 'pattern'), number(args, 'per-tar')];
  if (tar && pattern !== undefined) throw invalid('pattern', 'PNG files', 'tar files, which name theirs by the index');
  if (!tar && perTar !== undefined) throw invalid('per-tar', '--tar', 'PNG files');
  // What reads fonts takes a while to load, which help and most errors need not wait for.
  const [{ makeStyle }, { writeFolder, writeTars }] = await Promise.all([
    import('./styles/index.js'),
    import('./node.js'),
  ]);
  const style = makeStyle(name, told);
  const { written, kept, manifest } = tar
    ? await writeTars(style, { ...job, perTar })
    : await writeFolder(style, { ...job, pattern });
  console.error(
    `${written} captchas written to ${job.out}${kept > 0 ? `, ${kept} stood there already` : ''}; labels in ${manifest}`,
  );
}

async function listFonts(argv: string[]): Promise<void> {
  const args = parseArgs(argv, fontOptions) as Arguments;
  if (args.help) {
    console.log(await renderUsage(fontsCommand));
    return;
  }
  checkNames(args, fontOptions, 'captcha-gen fonts');
  const { findFonts } = await import('./node.js');
  const symbols = [namedCharset(text(args, 'charset')) ?? []].flat().join('');
  const fonts = await findFonts({ symbols, folders: list(args, 'folder') });
  const widest = Math.max(...fonts.map(({ name }) => name.length));
  for (const { name, source } of fonts) console.log(`${name.padEnd(widest)}  ${source}`);
}

function jobOf(args: Arguments, signal: AbortSignal): WriteOptions {
  const out = text(args, 'out');
  if (out === undefined) throw invalid('out', 'a folder to write to', 'nothing');
  const count = number(args, 'count')!;
  return {
    out,
    count,
    seed: number(args, 'seed')!,
    startIndex: number(args, 'start'),
    shard: shardOf(text(args, 'shard')),
    threads: number(args, 'threads') ?? (count < MANY ? 0 : availableParallelism()),
    overwrite: args.overwrite === true,
    onProgress: progressLine(),
    signal,
  };
}

function shardOf(value: string | undefined): Shard | undefined {
  if (value === undefined) return undefined;
  const [, number, of] = /^(\d+)\/(\d+)$/.exec(value) ?? [];
  if (number === undefined) throw invalid('shard', 'k/n, as in 1/4', value);
  return { number: Number(number), of: Number(of) };
}

/** On a terminal one line that counts up, with the speed and the time left; elsewhere a line each tenth. */
function progressLine(): NonNullable<WriteOptions['onProgress']> {
  let tenths = 0;
  let first: { readonly time: number; readonly done: number } | undefined;
  return ({ done, total }) => {
    const time = performance.now();
    first ??= { time, done };
    const rate = (done - first.done) / ((time - first.time) / 1000);
    if (process.stderr.isTTY) {
      const speed = rate > 0 ? `, ${Math.round(rate)}/s, ${Math.ceil((total - done) / rate)} s left` : '';
      process.stderr.write(
        `\r${done}/${total} captchas${done === total ? '' : speed}\u001b[K${done === total ? '\n' : ''}`,
      );
    } else if (Math.floor((done * 10) / total) > tenths) {
      tenths = Math.floor((done * 10) / total);
      process.stderr.write(`${done}/${total} captchas\n`);
    }
  };
}
