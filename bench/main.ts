import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** What a benchmark module exports as default: measures, and prints a table for people or, with `json`, one JSON value. */
export type Benchmark = (options: { json: boolean }) => Promise<void>;

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const { name, json } = commandLine();
const { default: benchmark } = (await import(`./${name}.ts`)) as { default: Benchmark };
await benchmark({ json });

function commandLine(): { name: string; json: boolean } {
  try {
    const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
    const [name = '', ...more] = positionals;
    if (names.includes(name) && more.length === 0) return { name, json: values.json ?? false };
  } catch (error) {
    console.error((error as Error).message);
  }
  console.error(`Usage: npm run bench -- NAME [--json]\nNAME is one of: ${names.join(', ')}`);
  process.exit(2);
}
