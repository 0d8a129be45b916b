/**
 * Fills the platform package: its `lib` gets the addon, compiled for every instruction set, the shared libraries that it
 * needs and that not every machine with Node has, their licences, and versions.json, which says where they came from.
 *
 *   node scripts/package-native.mjs [--out FOLDER] [--here]
 *
 * --out   another folder than that of the platform package; package.json and README.md are copied into it
 * --here  the instruction sets of this machine alone, from the objects of its own build: quick, not for publishing
 *
 * The libraries are those of this machine, or of PROJ_ONEDNN_PREFIX; so the glibc of the machine it runs on, or an
 * older one, decides where the package runs. It fails where the package would ask for a newer glibc than its package.json
 * says, or where a library's licence is not found.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ALL_INSTRUCTION_SETS, instructionSetsHere, make, prefix, reasonNotToBuild, root } from './native.mjs';

/** What Node for Linux is itself linked with, and so what is there wherever Node runs. */
const NODE_BRINGS = /^(linux-vdso|ld-linux-x86-64|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\.so/;

const skeleton = fileURLToPath(new URL('../../tfjs-backend-onednn-linux-x64-gnu/', import.meta.url));
const { values: options } = parseArgs({ options: { out: { type: 'string' }, here: { type: 'boolean' } } });
const folder = options.out ?? skeleton;
const lib = join(folder, 'lib');

try {
  fill();
} catch (error) {
  console.error(`The platform package was not made: ${error.message}`);
  process.exitCode = 1;
}

function fill() {
  const built = build();
  rmSync(lib, { recursive: true, force: true });
  mkdirSync(join(lib, 'licenses'), { recursive: true });
  if (options.out !== undefined) {
    for (const name of ['package.json', 'README.md']) copyFileSync(join(skeleton, name), join(folder, name));
  }
  const libraries = foreignLibraries(join(built, 'onednn.node'));
  for (const name of ['onednn.node', 'environment.node']) copyFileSync(join(built, name), join(lib, name));
  for (const { soname, file } of libraries) copyFileSync(file, join(lib, soname));
  const versions = Object.fromEntries(libraries.map(({ soname, file }) => [soname, describe(file)]));
  copyCommonLicenses();
  checkGlibc();
  // The last of all: without it the package does not pack.
  writeFileSync(join(lib, 'versions.json'), `${JSON.stringify(versions, undefined, 2)}\n`);
  console.log(`${folder}: onednn.node with ${libraries.map(({ soname }) => soname).join(', ')}`);
}

/** The folder of an addon that looks for its libraries beside itself. */
function build() {
  const missing = reasonNotToBuild();
  if (missing !== undefined) throw new Error(missing);
  const out = options.here ? 'build/package-here' : 'build/package';
  const sets = options.here ? instructionSetsHere() : ALL_INSTRUCTION_SETS;
  const objects = options.here ? { OBJECTS: 'build/objects' } : {};
  const failure = make({ OUT: out, ...objects, ISAS: sets.join(' '), PORTABLE: '1' });
  if (failure !== undefined) throw new Error(`the native sources do not compile\n${failure}`);
  return join(root, out);
}

/** The shared libraries that `addon` needs and that Node does not bring, as this machine finds them. */
function foreignLibraries(addon) {
  const folders = ['lib', 'lib64', 'lib/x86_64-linux-gnu'].map((name) => join(prefix, name));
  const env = { ...process.env, LC_ALL: 'C', ...(prefix === '' ? {} : { LD_LIBRARY_PATH: folders.join(':') }) };
  const lines = execFileSync('ldd', [addon], { encoding: 'utf8', env }).trim().split('\n');
  const found = lines.map((line) => /^\s*(\S+)(?: => (\/.*) \(0x| => (not found))?/.exec(line));
  return found
    .map(([, soname, file]) => ({ soname: basename(soname), file }))
    .filter(({ soname }) => !NODE_BRINGS.test(soname))
    .map(({ soname, file }) => {
      if (file === undefined) throw new Error(`${soname} is not found`);
      return { soname, file: realpathSync(file) };
    });
}

/** Copies the licence of a library and says where the library came from. */
function describe(file) {
  if (prefix !== '' && file.startsWith(realpathSync(prefix))) return describePrefix();
  const owner = spawnSync('dpkg-query', ['--search', file], { encoding: 'utf8' }).stdout?.split(':')[0];
  if (!owner) throw new Error(`no Debian package has ${file}, so its licence is not known`);
  copyFileSync(`/usr/share/doc/${owner}/copyright`, join(lib, 'licenses', `${owner}.txt`));
  const names = ['binary:Package', 'Version', 'source:Package', 'source:Version'];
  const format = names.map((name) => `\${${name}}\n`).join('');
  const fields = execFileSync('dpkg-query', ['--show', `--showformat=${format}`, owner], { encoding: 'utf8' });
  const [debianPackage, version, source, sourceVersion] = fields.split('\n');
  return { debianPackage, version, source, sourceVersion };
}

/** oneDNN's own installation, and unpacked Debian packages, lay their licences out in share/doc. */
function describePrefix() {
  const documents = join(prefix, 'share/doc');
  const all = readdirSync(documents, { recursive: true });
  const licenses = all.filter((path) => /(^|\/)(copyright|LICENSE|THIRD-PARTY-PROGRAMS)[^/]*$/.test(path));
  if (licenses.length === 0) throw new Error(`${documents} has no licence`);
  for (const path of licenses) copyFileSync(join(documents, path), join(lib, 'licenses', path.replaceAll('/', '-')));
  return { licenses };
}

/** The texts that Debian's copyright files refer to, such as Apache-2.0. */
function copyCommonLicenses() {
  for (const name of readdirSync(join(lib, 'licenses'))) {
    const text = readFileSync(join(lib, 'licenses', name), 'utf8');
    for (const [path, common] of text.matchAll(/\/usr\/share\/common-licenses\/([\w-]+(?:\.\d+)*)/g)) {
      copyFileSync(path, join(lib, 'licenses', common));
    }
  }
}

/** The package must run where its package.json says that it does. */
function checkGlibc() {
  const { engines } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const declared = Number(/^>=2\.(\d+)$/.exec(engines.glibc)[1]);
  for (const name of readdirSync(lib).filter((name) => /\.(node|so\b.*)$/.test(name))) {
    const symbols = execFileSync('readelf', ['--version-info', '--wide', join(lib, name)], { encoding: 'utf8' });
    const needed = Math.max(0, ...[...symbols.matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor)));
    if (needed > declared) throw new Error(`${name} needs glibc 2.${needed}, package.json says ${engines.glibc}`);
  }
}
