import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, code = ''] = readme.match(/```ts\n([\s\S]*?)```/) ?? [];

it('the example of the README runs against the built package and prints what its comments say', () => {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const printed = execFileSync(process.execPath, ['--input-type=module'], {
    cwd: folder,
    input: outputText,
    encoding: 'utf8',
  });
  const [choice, ...lines] = printed.trimEnd().split('\n');
  expect(choice).toMatch(/^Backend: \S+ \(.+\); not tfjs-node-gpu: /);
  expect(lines).toEqual([...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text));
  expect(lines.length).toBeGreaterThan(0);
}, 120_000);
