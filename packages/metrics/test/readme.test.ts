import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);

describe('README', () => {
  it.each(blocks)(
    'the example runs against the built package and prints what its comments say',
    (code) => {
      const { outputText } = ts.transpileModule(code, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      const printed = execFileSync(process.execPath, ['--input-type=module'], {
        cwd: folder,
        input: outputText,
        encoding: 'utf8',
      });
      const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
      expect(promised.length).toBeGreaterThan(0);
      expect(printed.trimEnd().split('\n')).toEqual(promised);
    },
    120_000,
  );

  it('has an example', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });
});
