// The one entry behind every `npm run` command of this repository: set up what is missing, then run the command.
// Only long-established syntax here and in setup/requirements.mjs: an old Node must get as far as its error message.
import { checkNode } from './setup/requirements.mjs';

const COMMANDS = {
  quickstart: ['tsx', 'examples/quickstart/main.ts'],
  evaluate: ['tsx', 'examples/evaluate.ts'],
  solve: ['tsx', 'examples/solve.ts'],
  bench: ['tsx', 'bench/main.ts'],
  test: ['node', 'scripts/test.mjs'],
};

checkNode();
main(process.argv.slice(2));

async function main([name, ...args]) {
  if (!Object.keys(COMMANDS).includes(name)) {
    console.error(`Unknown command "${name}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
    process.exit(2);
  }
  const { setUp } = await import('./setup/main.mjs');
  const { run } = await import('./setup/process.mjs');
  // `npm test` builds through turbo together with its checks.
  await setUp({ build: name !== 'test' });
  const [runner, script] = COMMANDS[name];
  process.exitCode = await run(process.execPath, [...(runner === 'tsx' ? ['--import', 'tsx'] : []), script, ...args]);
}
