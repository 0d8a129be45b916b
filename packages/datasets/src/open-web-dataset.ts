import { closeSync, openSync, readSync } from 'node:fs';
import { type Image, ProjError } from '@proj/core';
import { type DecodeOptions, decodeImage } from './decode-image.js';
import type { SampleSource } from './source.js';

/** A part of a file that holds a picture. */
interface Part {
  readonly name: string;
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

/** What `webDatasetSource` describes, opened in a worker thread. */
export function openWebDataset({
  samples,
  ...decodeOptions
}: DecodeOptions & { readonly samples: readonly (Part & { readonly label: string | number })[] }): SampleSource {
  return {
    size: samples.length,
    name: (index) => nameOf(samples[index]!),
    async sample(index) {
      const sample = samples[index]!;
      return { image: await decodePart(sample, decodeOptions), label: sample.label };
    },
  };
}

/** @throws ProjError `cannot-read`, and as `decodeImage`. */
export async function decodePart(part: Part, options?: DecodeOptions): Promise<Image> {
  return decodeImage(readPart(part), { ...options, name: nameOf(part) });
}

const nameOf = ({ name, path }: Part) => `${name} of ${path}`;

/** At once, because it is little and calls for other threads to do it would cost more. */
function readPart(part: Part): Uint8Array {
  let reason: unknown = 'the archive is shorter than when it was listed';
  try {
    const file = openSync(part.path, 'r');
    try {
      const bytes = new Uint8Array(part.bytes);
      if (readSync(file, bytes, 0, part.bytes, part.offset) === part.bytes) return bytes;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    reason = cause;
  }
  throw new ProjError(`Cannot read ${nameOf(part)}: ${reason instanceof Error ? reason.message : reason}`, {
    code: 'cannot-read',
    fix: 'Check that the archive is there and unchanged, or list it again',
    ...(reason instanceof Error && { cause: reason }),
  });
}
