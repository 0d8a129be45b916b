import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type AugmentResults, augmentTable } from '../augment.js';
import { type CaptchaResults, captchaTable } from '../captcha-gen.js';
import { type LoaderResults, loaderTable } from '../support/loader-results.js';
import { blockOf, markdownTable, readResults } from '../support/results.js';

test.each(['train-step', 'inference'])(
  "the backend's README shows what is kept of %s, and nothing else",
  async (benchmark) => {
    const readme = await readFile(new URL('../../packages/tfjs-backend-onednn/README.md', import.meta.url), 'utf8');
    const results = await readResults(benchmark);
    expect(blockOf(readme, benchmark)).toBe(results === undefined ? '' : markdownTable(benchmark, results));
  },
);

test('the README of datasets shows what is kept of loader, and nothing else', async () => {
  const readme = await readFile(new URL('../../packages/datasets/README.md', import.meta.url), 'utf8');
  const results = await readResults<LoaderResults>('loader');
  expect(blockOf(readme, 'loader')).toBe(results === undefined ? '' : loaderTable(results));
});

test("captcha-gen's README shows what is kept of its benchmark, and nothing else", async () => {
  const readme = await readFile(new URL('../../packages/captcha-gen/README.md', import.meta.url), 'utf8');
  const results = await readResults<CaptchaResults>('captcha-gen');
  expect(blockOf(readme, 'captcha-gen')).toBe(results === undefined ? '' : captchaTable(results));
});

test("augment's README shows what is kept of its benchmark, and nothing else", async () => {
  const readme = await readFile(new URL('../../packages/augment/README.md', import.meta.url), 'utf8');
  const results = await readResults<AugmentResults>('augment');
  expect(blockOf(readme, 'augment')).toBe(results === undefined ? '' : augmentTable(results));
});
