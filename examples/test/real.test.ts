import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { call, minute, reportOf } from './commands.ts';

/** Captchas that afocus/captcha itself made. */
const real = join(process.env.PROJ_DATA ?? resolve(import.meta.dirname, '../../data'), 'afocus');
const long = process.env.PROJ_TEST_LONG === '1';

it.skipIf(!long || !existsSync(real))(
  `a reader that saw our captchas alone reads the original's as well, to one point (takes minutes; skipped where ${real} is missing)`,
  { timeout: 15 * minute },
  async () => {
    const trained = await call('quickstart/main.ts', '--out', 'whole');
    expect(trained.code, trained.stderr).toBe(0);
    const ours = reportOf('whole').final.exactMatch;
    const evaluated = await call('evaluate.ts', '--model', 'whole/model', '--data', real);
    const { n, exactMatch } = JSON.parse(evaluated.stdout);
    console.log(`exactly read: ${ours} of ours, ${exactMatch} of ${n} of the original's`);
    expect(ours).toBeGreaterThan(0.9);
    expect(exactMatch).toBeGreaterThanOrEqual(ours - 0.01);
  },
);
