// Every check and test of the repository, through turbo, which remembers by package what passed. Counts the tests at
// the end.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './setup/paths.mjs';
import { run } from './setup/process.mjs';

for (const file of resultFiles()) rmSync(file);
const tasks = ['build', 'typecheck', 'lint:package', 'test'];
const turbo = ['exec', 'turbo', 'run', ...tasks, '--continue', '--concurrency=3', '--output-logs=new-only'];
// Packages are tested side by side: threads of their own would wait for each other's cores. Where threads matter, the
// package's vitest.config.ts says how many.
const env = { OMP_NUM_THREADS: '1', PROJ_MACHINE: machine(), ...process.env };
const codes = [await run('pnpm', turbo, { env }), await run('pnpm', ['run', 'check'])];

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const file of resultFiles()) {
  const result = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name, assertionResults } of result.testResults ?? []) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status !== 'failed') continue;
      console.error(`Failed: ${relative(root, name)}: ${fullName}\n${failureMessages[0]?.split('\n', 3).join('\n')}`);
    }
  }
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests;
}
const failed = codes.some((code) => code !== 0);
if (failed) console.error('Some check failed; what it said stands above.');
if (totals.passed === 0) console.error('No test was run.');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = failed || totals.failed > 0 || totals.passed === 0 ? 1 : 0;

/** What decides which tests can run here, so that what passed elsewhere does not count as passed. */
function machine() {
  const { stdout } = spawnSync('g++', ['-dumpfullversion'], { encoding: 'utf8' });
  const onednn = process.env.PROJ_ONEDNN_PREFIX ?? existsSync('/usr/include/oneapi/dnnl/dnnl.hpp');
  const data = existsSync(process.env.PROJ_DATA ?? join(root, 'data'));
  return `node ${process.version}, g++ ${stdout?.trim()}, oneDNN ${onednn}, data ${data}`;
}

/** The reports that the packages' test tasks leave; turbo restores them for tasks it did not run again. */
function resultFiles() {
  const folders = [
    ...readdirSync(join(root, 'packages')).map((name) => join('packages', name)),
    'bench',
    'examples',
    'scripts',
  ];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /^test-results.*\.json$/.test(name))
      .map((name) => join(root, folder, name)),
  );
}
