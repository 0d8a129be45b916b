import { checkIndices } from './charset.js';
import type { ClassNamesConfig, FixedLengthConfig, LabelCodec, OneHotConfig } from './label-codec.js';

/**
 * What another codec gives, as rows of `numClasses` numbers of which one is 1 and the others 0: `[length, numClasses]`
 * for positions, `[numClasses]` for one class a picture, flat in memory. For losses that take a target for every
 * output, such as binary cross-entropy over sigmoids. `decode` takes such rows, or a model's scores: the greatest of a
 * row decides, the first of equals.
 *
 * @throws ProjError what `codec` throws; `label-length` from `decode`.
 */
export function oneHot(codec: LabelCodec<FixedLengthConfig | ClassNamesConfig>): LabelCodec<OneHotConfig> {
  const { numClasses } = codec;
  const length = codec.length * numClasses;
  return {
    config: { kind: 'one-hot', of: codec.config },
    length,
    shape: [...codec.shape, numClasses],
    numClasses,
    encode(label) {
      const rows = new Int32Array(length);
      for (const [position, index] of codec.encode(label).entries()) rows[position * numClasses + index] = 1;
      return rows;
    },
    decode(scores) {
      checkIndices(scores, length, 'scores');
      return codec.decode(
        Array.from({ length: codec.length }, (_, row) => greatest(scores, row * numClasses, numClasses)),
      );
    },
  };
}

/** Where in `count` values from `start` on the greatest is. */
function greatest(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let k = 1; k < count; k++) if (values[start + k]! > values[start + best]!) best = k;
  return best;
}
