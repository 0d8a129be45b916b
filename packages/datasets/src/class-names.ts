import { ProjError } from '@proj/core';
import { checkIndices, refuseClass } from './charset.js';
import type { ClassNamesConfig, LabelCodec } from './label-codec.js';

/**
 * One class a picture: name `names[k]` is class `k`. A loader that encodes with it gives labels `[B]`.
 *
 * @throws ProjError `invalid-class-names` here (none, or one twice); `unknown-class-name` from `encode`; `unknown-class`,
 *   `label-length` from `decode`.
 */
export function classNames(names: readonly string[]): LabelCodec<ClassNamesConfig> {
  const classes = new Map(names.map((name, index) => [name, index]));
  if (names.length === 0 || classes.size !== names.length) {
    const repeated = names.find((name, index) => classes.get(name) !== index);
    throw new ProjError('Cannot make a label codec', {
      code: 'invalid-class-names',
      expected: 'at least one name, and none twice',
      received: repeated === undefined ? 'no names' : `'${repeated}' twice`,
    });
  }
  return {
    config: { kind: 'class-names', names: [...names] },
    length: 1,
    shape: [],
    numClasses: names.length,
    encode(label) {
      const index = classes.get(label);
      if (index !== undefined) return Int32Array.of(index);
      throw new ProjError(`Cannot encode the label '${label}'`, {
        code: 'unknown-class-name',
        expected: `one of ${names.join(', ')}`.slice(0, 500),
        received: `'${label}'`,
        fix: 'Add it to the names, or correct the label',
      });
    },
    decode(indices) {
      checkIndices(indices, 1);
      return names[indices[0]!] ?? refuseClass(indices[0]!, names.length);
    },
  };
}
