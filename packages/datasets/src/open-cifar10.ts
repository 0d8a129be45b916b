import { closeSync, openSync, readSync } from 'node:fs';
import { ProjError } from '@proj/core';
import { fromPlanes, pictureBytes, recordBytes } from './cifar10-format.js';
import type { SampleSource } from './source.js';

/** What `cifar10Source` describes, opened in a worker thread. */
export interface PackedCifar10 {
  readonly files: readonly string[];
  /** For each sample its file's place in `files`, its record there and its label. */
  readonly places: Int32Array;
}

/** Reads each record when it is asked for: the system keeps the files in memory once for all workers. */
export function openCifar10({ files, places }: PackedCifar10): SampleSource {
  const descriptors = new Map<string, number>();
  const planes = new Uint8Array(pictureBytes);
  const at = (index: number) => ({
    path: files[places[3 * index]!]!,
    record: places[3 * index + 1]!,
    label: places[3 * index + 2]!,
  });
  const read = (path: string, record: number): number => {
    const known = descriptors.get(path);
    const descriptor = known ?? openSync(path, 'r');
    if (known === undefined) descriptors.set(path, descriptor);
    return readSync(descriptor, planes, 0, pictureBytes, record * recordBytes + 1);
  };
  return {
    size: places.length / 3,
    name: (index) => `record ${at(index).record} of ${at(index).path}`,
    sample(index) {
      const { path, record, label } = at(index);
      let reason = 'the file is shorter than when it was listed';
      let cause: unknown;
      try {
        if (read(path, record) === pictureBytes) return { image: fromPlanes(planes), label };
      } catch (error) {
        reason = (error as Error).message;
        cause = error;
      }
      throw new ProjError(`Cannot read record ${record} of ${path}: ${reason}`, {
        code: 'cannot-read',
        fix: 'Check that the file is there and unchanged, or list it again',
        cause,
      });
    },
    close() {
      for (const descriptor of descriptors.values()) closeSync(descriptor);
      descriptors.clear();
    },
  };
}
