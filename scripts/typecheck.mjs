// Checks the types of the package in the working directory, sources and tests, and writes the declarations of its sources
// to dist. One program does both: to read TensorFlow.js's types takes longer than all the rest.
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './setup/paths.mjs';

const folder = process.cwd();
const dist = join(folder, 'dist');
const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, allowImportingTsExtensions: false };
const config = ts.getParsedCommandLineOfConfigFile(
  join(folder, 'tsconfig.json'),
  // Tests share files with other packages, so the compiler lays out the whole repository below dist.
  { ...emit, rootDir: root, outDir: dist },
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail([diagnostic]) },
);
const program = ts.createProgram(config.fileNames, { ...config.options, allowImportingTsExtensions: true });
const laidOut = join(dist, relative(root, folder), 'src');
const write = (path, text) => ts.sys.writeFile(join(dist, relative(laidOut, path)), text);

const diagnostics = [...ts.getPreEmitDiagnostics(program)];
for (const file of program.getSourceFiles()) {
  if (!relative(folder, file.fileName).startsWith('src/')) continue;
  diagnostics.push(...program.emit(file, write).diagnostics);
}
if (diagnostics.length > 0) fail(diagnostics);

function fail(diagnostics) {
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => folder, getNewLine: () => '\n' };
  console.error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host));
  process.exit(1);
}
