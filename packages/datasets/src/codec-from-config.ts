import { ProjError } from '@proj/core';
import { classNames } from './class-names.js';
import { ctc } from './ctc.js';
import { fixedLength } from './fixed-length.js';
import type { LabelCodec, LabelCodecConfig } from './label-codec.js';
import { oneHot } from './one-hot.js';

/**
 * The codec whose `config` this is, from JSON for example.
 *
 * @throws ProjError `unknown-codec` for another kind, and what the codec's own function throws.
 */
export function labelCodec(config: LabelCodecConfig): LabelCodec {
  switch (config.kind) {
    case 'fixed-length':
      return fixedLength(config);
    case 'ctc':
      return ctc(config);
    case 'class-names':
      return classNames(config.names);
    case 'one-hot':
      return oneHot(labelCodec(config.of) as LabelCodec<typeof config.of>);
    default:
      throw new ProjError('Cannot make a label codec', {
        code: 'unknown-codec',
        expected: 'a `config` of fixedLength, ctc, classNames or oneHot',
        received: JSON.stringify(config),
      });
  }
}
