import { createReadStream, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';
import { StreamByteReader } from './byte-reader.js';
import { recordBytes, recordsPerFile, testFiles, trainFiles } from './cifar10-format.js';
import { type DownloadOptions, download } from './download.js';
import { readEntry, tarEntries } from './tar.js';

/** Where CIFAR-10 comes from, unless told otherwise: its author's page, which also gives the checksum. */
export interface Cifar10Download extends Omit<DownloadOptions, 'md5'> {
  /** Default `https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz`, of 170,052,171 bytes. */
  readonly url?: string | undefined;
  /** Default `c32a1d4ab5d03f1284b67883e8d87530`. */
  readonly md5?: string | undefined;
}

/** The folder in the archive. */
export const cifar10Folder = 'cifar-10-batches-bin';
const archiveName = 'cifar-10-binary.tar.gz';

/**
 * Fetches CIFAR-10's binary version into `dir` and unpacks its six files into `dir/cifar-10-batches-bin`. The archive
 * stays, and one that is there already is used when its checksum is right; so is a file. A download that was broken off,
 * in this process or another, goes on where it ended.
 *
 * @throws ProjError `download-failed`, `checksum-mismatch`, `cannot-write`, `disk-full`, `invalid-tar`,
 *   `invalid-cifar10` (an archive without the six files). An abort throws the signal's reason.
 */
export async function downloadCifar10(dir: string, options: Cifar10Download = {}): Promise<void> {
  const { url = `https://www.cs.toronto.edu/~kriz/${archiveName}`, md5 = 'c32a1d4ab5d03f1284b67883e8d87530' } = options;
  const archive = join(dir, archiveName);
  await download(url, archive, { ...options, md5 });

  const missing = new Set([...trainFiles, ...testFiles].filter((file) => !isWhole(join(dir, cifar10Folder, file))));
  await pipeline(createReadStream(archive), createGunzip(), async (unpacked: AsyncIterable<Uint8Array>) => {
    const reader = new StreamByteReader(unpacked);
    for await (const entry of tarEntries(reader, archive)) {
      const file = basename(entry.name);
      if (!missing.has(file) || entry.size !== recordsPerFile * recordBytes) continue;
      await writeFileAtomic(join(dir, cifar10Folder, file), await readEntry(reader, entry, archive));
      missing.delete(file);
    }
  });
  if (missing.size === 0) return;
  throw new ProjError(`Cannot use ${archive} as CIFAR-10`, {
    code: 'invalid-cifar10',
    expected: `${recordsPerFile} records in each of ${[...trainFiles, ...testFiles].join(', ')}`,
    received: `an archive without ${[...missing].join(', ')}`,
    fix: 'Check `url`: it must be the binary version',
  });
}

const isWhole = (path: string) => statSync(path, { throwIfNoEntry: false })?.size === recordsPerFile * recordBytes;
