import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quick } from '../quickstart/recipe.ts';
import { call, checkpointsOf, folder, minute, reportOf, start, stepsOf, waitFor } from './commands.ts';

// Each mostly waits for processes of its own.
describe.concurrent('a stopped quickstart', () => {
  it('goes on from the last checkpoint after SIGKILL, and a new run does not replace it', {
    timeout: 8 * minute,
  }, async () => {
    const first = start('quickstart/main.ts', '--quick', '--out', 'killed');
    await waitFor(() => Math.max(...checkpointsOf('killed')) > 0, first.done);
    first.child.kill('SIGKILL');
    await first.done;
    const before = stepsOf('killed');

    const second = await call('quickstart/main.ts', '--out', 'killed', '--resume');
    expect(second.code, second.stderr).toBe(0);
    const after = stepsOf('killed').slice(before.length);
    expect(after[0]).toBeGreaterThan(0);
    expect(after[0]).toBeLessThanOrEqual(before.length);
    expect(after.at(-1)).toBe(quick.totalSteps - 1);
    expect(reportOf('killed').settings.batchSize).toBe(quick.batchSize);

    writeFileSync(join(folder, 'killed/mine.txt'), 'precious');
    const third = start('quickstart/main.ts', '--quick', '--out', 'killed');
    let said = '';
    third.child.stderr!.on('data', (data) => (said += data));
    await waitFor(() => /Kept the earlier run as .*killed\.1/.test(said), third.done);
    third.child.kill('SIGKILL');
    await third.done;
    expect(existsSync(join(folder, 'killed.1/mine.txt'))).toBe(true);
    expect(stepsOf('killed.1')).toHaveLength(before.length + after.length);
  });

  it('saves on Ctrl-C, says how to go on, and does', { timeout: 8 * minute }, async () => {
    const first = start('quickstart/main.ts', '--quick', '--seed', '5', '--out', 'stopped');
    await waitFor(() => existsSync(join(folder, 'stopped/log.jsonl')) && stepsOf('stopped').length > 3, first.done);
    first.child.kill('SIGINT');
    const { code, stdout } = await first.done;
    expect(code).toBe(130);
    const steps = Number(/saved after (\d+) steps/.exec(stdout)?.[1]);
    expect(stdout).toContain('npm run quickstart -- --resume --out stopped');

    const other = await call('quickstart/main.ts', '--out', 'stopped', '--resume', '--seed', '6');
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/Expected seed 5.*Received 6/);

    const second = await call('quickstart/main.ts', '--out', 'stopped', '--resume');
    expect(second.code, second.stderr).toBe(0);
    expect(stepsOf('stopped')).toEqual(Array.from({ length: quick.totalSteps }, (_, i) => i));
    expect(steps).toBeGreaterThan(3);
  });
});
