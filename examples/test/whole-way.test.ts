import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { call, examples, folder, lossesOf, minute, reportOf } from './commands.ts';

/** What `auto` comes to here. */
const best = existsSync(join(examples, '../packages/tfjs-backend-onednn/build/onednn.node')) ? 'onednn' : 'wasm';
const isShare = (value: number) => value >= 0 && value <= 1;

// The plain JS backend takes two minutes.
const slow = process.env.PROJ_TEST_LONG === '1' ? ['cpu'] : [];

describe.each([...slow, 'wasm', 'auto'])('quickstart --quick on %s', (backend) => {
  it('goes the whole way', { timeout: 8 * minute }, async () => {
    const { code, stdout, stderr } = await call(
      'quickstart/main.ts',
      '--quick',
      '--out',
      backend,
      '--backend',
      backend,
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/of 32 unseen captchas read exactly/);
    expect(stdout).toContain(`npm run solve -- --model ${backend}/model captchas/*.png`);
    for (const file of ['report.md', 'curves.png', 'curves.svg', 'predictions.png', 'log.jsonl', 'model/model.json']) {
      expect(existsSync(join(folder, backend, file)), file).toBe(true);
    }
    expect(readdirSync(join(folder, backend, 'tensorboard'))).toHaveLength(1);
    const report = reportOf(backend);
    expect(report.backend).toBe(backend === 'auto' ? best : backend);
    expect(report).toMatchObject({ experiment: 'quickstart', model: 'v4', seed: 1, precision: 'float32' });
    expect(report.final.charAccuracy).toSatisfy(isShare);

    // An untrained reader of 4 positions guesses among 62.
    const [firstLoss = 0] = lossesOf(backend);
    expect(Math.abs(firstLoss - 4 * Math.log(62))).toBeLessThan(2);
  });

  const isEnough = backend === 'wasm' && slow.length === 0;
  it.skipIf(isEnough)('leaves a model that evaluate and solve read', { timeout: 8 * minute }, async () => {
    const data = join(folder, 'captchas');
    await writeCaptchas(data, 12);
    const evaluated = await call(
      'evaluate.ts',
      '--model',
      `${backend}/model`,
      '--data',
      'captchas',
      '--backend',
      backend,
    );
    expect(evaluated.code, evaluated.stderr).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toEqual({
      n: 12,
      exactMatch: expect.toSatisfy(isShare),
      charAccuracy: expect.toSatisfy(isShare),
    });
    const pictures = readdirSync(data)
      .slice(0, 3)
      .map((name) => `captchas/${name}`);
    const solved = await call('solve.ts', '--model', `${backend}/model`, '--backend', backend, ...pictures);
    expect(solved.code, solved.stderr).toBe(0);
    const lines = solved.stdout.trim().split('\n');
    expect(lines.map((line) => line.split('\t')[0])).toEqual(pictures);
    for (const line of lines) expect(line).toMatch(/\t[A-Za-z0-9]{4}\t[01]\.\d{4}$/);
  });
});

/** Captchas in a folder, made by the generator's own command. */
async function writeCaptchas(out: string, count: number): Promise<void> {
  if (existsSync(out)) return;
  const cli = fileURLToPath(new URL('../../packages/captcha-gen/bin/captcha-gen.js', import.meta.url));
  const args = [cli, '--style', 'afocus', '--count', String(count), '--out', out, '--seed', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((resolve) => child.once('close', resolve));
}
