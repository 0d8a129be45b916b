import { type Batch, isProjError, ProjError } from '@proj/core';
import type { LabelCodec } from './label-codec.js';

/** What a loader needs of a codec. Without `shape` labels are `[B, length]`. */
export type BatchCodec = Pick<LabelCodec, 'length' | 'encode'> & Partial<Pick<LabelCodec, 'shape'>>;

/**
 * Labels of a batch as numbers: class indices as they are, texts by the codec; -1 in blank rows.
 *
 * @param names what errors call the examples.
 * @throws ProjError `missing-codec`, `invalid-label` (a number beyond 32 bits), and what the codec throws, naming the example.
 */
export function encodeLabels(
  labels: readonly (string | number | undefined)[],
  names: readonly string[],
  codec: BatchCodec | undefined,
): Batch['labels'] {
  if (codec === undefined) {
    const place = labels.findIndex((label) => typeof label === 'string');
    const large = labels.findIndex((label) => typeof label === 'number' && label !== (label | 0));
    if (large >= 0) {
      throw new ProjError(`Cannot use the label ${labels[large]} of ${names[large]}`, {
        code: 'invalid-label',
        expected: 'the index of a class, below 2^31',
        fix: 'Pass a `codec` where labels are texts of digits',
      });
    }
    if (place < 0) return { data: Int32Array.from(labels, (label) => (label as number) ?? -1), shape: [labels.length] }; // [B]
    throw new ProjError(`Cannot use the label '${labels[place]}' of ${names[place]}`, {
      code: 'missing-codec',
      expected: 'class indices, or a `codec` for labels that are text',
      fix: 'Pass `codec: fixedLength({ charset, length })`, `ctc(...)` or `classNames(...)`',
    });
  }
  const data = new Int32Array(labels.length * codec.length).fill(-1);
  for (const [place, label] of labels.entries()) {
    if (label === undefined) continue;
    try {
      data.set(codec.encode(String(label)), place * codec.length);
    } catch (cause) {
      throw named(`Cannot encode the label '${label}' of ${names[place]}`, cause);
    }
  }
  return { data, shape: [labels.length, ...(codec.shape ?? [codec.length])] }; // [B, L], [B] for class names
}

function named(summary: string, cause: unknown): unknown {
  if (!isProjError(cause)) return cause;
  const { code, expected, received, fix } = cause;
  return new ProjError(summary, {
    code,
    ...(expected && { expected }),
    ...(received && { received }),
    ...(fix && { fix }),
    cause,
  });
}
