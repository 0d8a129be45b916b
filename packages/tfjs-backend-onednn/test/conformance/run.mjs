/**
 * Runs tfjs-core's own test files against a backend.
 *
 *   node test/conformance/run.mjs [--backend onednn|cpu] [--filter TEXT]
 *
 * Prints failed specs with their messages, then a summary; writes `test-results-conformance.json` beside package.json
 * unless a filter is set. Fails when a spec fails that `exclusions.json` does not list, when a listed one passes or does
 * not exist, when fewer than FLOOR specs passed, or when the backend ran no kernel natively. Only where the addon could
 * not be built, for lack of a compiler or oneDNN, does it end well without having run anything, and says so.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { bundleSpecs } from './bundle.mjs';
import { countKernelCalls } from './count-kernels.mjs';

/** Of the 4,232 specs of tfjs-core 4.22.0 five are switched off by their authors. */
const FLOOR = 4_200;

const { values: options } = parseArgs({
  options: { backend: { type: 'string', default: 'onednn' }, filter: { type: 'string' } },
});
const root = fileURLToPath(new URL('../..', import.meta.url));

if (options.backend === 'onednn' && !existsSync(join(root, 'build/onednn.node'))) {
  console.log('Conformance suite not run: the native addon is not built on this machine');
  process.exit();
}
const { backend, fallbackCalls } = await activate(options.backend);
const kernelCalls = countKernelCalls(backend);
const results = await runSpecs(backend, options.filter);
const outcome = await judge(results, { backend, filter: options.filter });
report(results, outcome);
reportKernels(kernelCalls, fallbackCalls());
if (options.filter === undefined) await writeResults(results, outcome);
if (outcome.problems.length > 0) process.exitCode = 1;

/** Makes `name` the active backend, or fails: tfjs itself would go on with another one. */
async function activate(name) {
  const module = name === 'onednn' ? await import('@proj/tfjs-backend-onednn') : { fallbackCalls: () => ({}) };
  if (!(await tf.setBackend(name)) || tf.getBackend() !== name) throw new Error(`Backend ${name} cannot be set up`);
  return { backend: name, fallbackCalls: module.fallbackCalls };
}

/** Every spec's `{ name, status, messages }`, in order of execution. */
async function runSpecs(backend, filter) {
  const bundle = await bundleSpecs(join(root, 'node_modules/.cache/conformance'));
  const jasmine = createRequire(import.meta.url)('jasmine-core').noGlobals();
  // The specs expect jasmine's functions to be global; this process exists for them alone.
  Object.assign(globalThis, jasmine);
  const { setTestEnvs, load } = await import(pathToFileURL(bundle).href);
  setTestEnvs([{ name: backend, backendName: backend, isDataSync: true }]);
  await load();

  const results = [];
  const env = jasmine.jasmine.getEnv();
  env.configure({ random: false, specFilter: (spec) => filter === undefined || spec.getFullName().includes(filter) });
  const add = ({ fullName, status, failedExpectations }) =>
    results.push({ name: fullName, status, messages: failedExpectations.map(({ message }) => message) });
  env.addReporter({
    specDone: (spec) => spec.status !== 'excluded' && add(spec),
    // What fails outside a spec, in a beforeAll or while loading, counts as a failed spec of its own.
    suiteDone: (suite) => suite.failedExpectations.length > 0 && add({ ...suite, status: 'failed' }),
    jasmineDone: (run) =>
      run.failedExpectations.length > 0 && add({ ...run, fullName: '(outside any spec)', status: 'failed' }),
  });
  await env.execute();
  return results;
}

/** Sets the results against the exclusions: what failed for no listed reason, and what else is wrong. */
async function judge(results, { backend, filter }) {
  const path = new URL('./exclusions.json', import.meta.url);
  const exclusions = backend === 'onednn' ? JSON.parse(await readFile(path, 'utf8')) : [];
  const status = new Map(results.map((result) => [result.name, result.status]));
  const excluded = new Set(exclusions.map(({ spec }) => spec));
  const failed = results.filter((result) => result.status === 'failed' && !excluded.has(result.name));
  const passed = results.filter((result) => result.status === 'passed').length;
  const problems = failed.length > 0 ? [`${failed.length} specs failed`] : [];
  for (const { spec, reason } of exclusions) {
    if (!reason) problems.push(`The exclusion of "${spec}" gives no reason`);
    if (status.get(spec) === 'passed') problems.push(`"${spec}" is excluded but passes`);
    if (!status.has(spec) && filter === undefined) problems.push(`The exclusion of "${spec}" matches no spec`);
  }
  if (filter === undefined && passed < FLOOR) problems.push(`${passed} specs passed, at least ${FLOOR} must`);
  return { failed, passed, problems };
}

function report(results, { failed, passed, problems }) {
  for (const { name, messages } of failed) {
    console.log(`FAILED ${name}`);
    for (const message of messages) console.log(`  ${message.replaceAll('\n', '\n  ')}`);
  }
  const rest = results.length - passed - failed.length;
  console.log(`${results.length} specs: ${passed} passed, ${failed.length} failed, ${rest} pending or excluded`);
  for (const problem of problems) console.log(`PROBLEM ${problem}`);
}

/** How many kernel calls the backend itself answered: a fallback would hide a missing kernel from the specs. */
function reportKernels(calls, fallbacks) {
  const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
  const native = sum(calls) - sum(fallbacks);
  console.log(`Kernel calls: ${native} native, ${sum(fallbacks)} by fallback`);
  const most = Object.entries(fallbacks).sort(([, a], [, b]) => b - a);
  if (most.length > 0) console.log(`Fallbacks: ${most.map(([name, count]) => `${name} ${count}`).join(', ')}`);
  if (native <= 0) {
    console.log('PROBLEM No kernel ran natively');
    process.exitCode = 1;
  }
}

async function writeResults(results, { failed, passed }) {
  const counts = {
    numPassedTests: passed,
    numFailedTests: failed.length,
    numPendingTests: results.length - passed - failed.length,
    numTotalTests: results.length,
  };
  await writeFile(join(root, 'test-results-conformance.json'), `${JSON.stringify(counts)}\n`);
}
