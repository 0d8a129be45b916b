import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isProjError } from '@proj/core';

export interface BenchmarkOptions {
  /** One JSON value instead of a table for people. */
  readonly json: boolean;
  /** Where the time goes. */
  readonly profile: boolean;
  /** The one case to measure, by its name in the table. */
  readonly only: string | undefined;
  /** The one precision to measure: `float32` or `bfloat16`, which PyTorch only emulates on older processors. */
  readonly precision: string | undefined;
  /** Also into `results/` and the README that shows them. */
  readonly save: boolean;
  /** Also TensorFlow.js's own backends, which take minutes. */
  readonly stock: boolean;
  /** Also peers that compile for minutes before they start. */
  readonly compile: boolean;
}

/** What a module of this folder exports. */
interface BenchmarkModule {
  readonly default: (options: BenchmarkOptions) => Promise<void>;
  /** Those that it takes. */
  readonly options: readonly (keyof BenchmarkOptions)[];
}

// An exit, which removes temporary folders, in place of a sudden end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => /^[\w-]+\.ts$/.test(file) && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const { name, options } = commandLine();
const { default: benchmark, options: taken } = (await import(`./${name}.ts`)) as BenchmarkModule;
for (const [option, value] of Object.entries(options)) {
  if (value === undefined || value === false || taken.includes(option as keyof BenchmarkOptions)) continue;
  console.error(`${name} has no option --${option}; it takes ${taken.map((each) => `--${each}`).join(', ')}.`);
  process.exit(2);
}
try {
  await benchmark(options);
} catch (error) {
  if (!isProjError(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function commandLine(): { name: string; options: BenchmarkOptions } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        stock: { type: 'boolean', default: false },
        only: { type: 'string' },
        precision: { type: 'string' },
        compile: { type: 'boolean', default: false },
      },
    });
    const [name = '', ...more] = positionals;
    if (names.includes(name) && more.length === 0) {
      return { name, options: { ...values, only: values.only, precision: values.precision } };
    }
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(
    'Usage: npm run bench -- NAME [--json] [--profile] [--save] [--only CASE] [--precision P] [--compile] [--stock]\n' +
      `NAME is one of: ${names.join(', ')}`,
  );
  process.exit(2);
}
