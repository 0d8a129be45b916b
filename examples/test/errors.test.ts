import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, folder } from './commands.ts';

describe('errors a user can mend', () => {
  it.concurrent.each([
    ['evaluate.ts', ['--data', 'x'], 2, /--model and --data are needed/],
    ['solve.ts', ['--model', 'nowhere', 'a.png'], 1, /There is no model in .*nowhere/],
    ['quickstart/main.ts', ['--seed', 'x'], 2, /--seed expects a whole number/],
    ['quickstart/main.ts', ['--nonsense'], 2, /nonsense[\s\S]*Usage/],
    ['quickstart/main.ts', ['--out', 'other'], 1, /Cannot write a run to .*other[\s\S]*Name another one/],
    ['quickstart/main.ts', ['--quick', '--out', 'other/mine.txt'], 1, /Cannot write a run to .*Received a file/],
    ['quickstart/main.ts', ['--quick', '--resume', '--out', 'damaged'], 1, /Cannot resume the run of .*settings.json/],
    ['quickstart/main.ts', ['--quick', '--out', 'b', '--backend', 'quantum'], 1, /quantum/],
  ] as const)('%s %j', { timeout: 120_000 }, async (script, args, code, message) => {
    mkdirSync(join(folder, 'other'), { recursive: true });
    writeFileSync(join(folder, 'other', 'mine.txt'), 'precious');
    mkdirSync(join(folder, 'damaged'), { recursive: true });
    writeFileSync(join(folder, 'damaged', 'settings.json'), '{');
    const result = await call(script, ...args);
    expect(readdirSync(folder)).toEqual(['damaged', 'other']);
    expect(readdirSync(join(folder, 'other'))).toEqual(['mine.txt']);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.code).toBe(code);
  });
});
