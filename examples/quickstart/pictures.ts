import { afocus, charsets, type Part } from '@proj/captcha-gen';
import type { Image } from '@proj/core';
import { fixedLength, generatorSource, type Loader, loader } from '@proj/datasets';
import type { Recipe } from './recipe.ts';

/** The 62 classes in the order of the report: a-z A-Z 0-9. */
export const charset = afocus({ charset: charsets.ALL }).charset;

/**
 * Batches of captchas drawn in a worker thread. The parts share no label: what is measured was never trained on. With
 * `size` an epoch is so many pictures, the same each time; without, none comes twice.
 */
export function captchas(
  { captcha, batchSize }: Recipe,
  { part, seed, ...amount }: { part: Part; seed: number } & ({ size: number } | { stepsPerEpoch: number }),
): Promise<Loader> {
  return loader({
    source: generatorSource({
      module: '@proj/captcha-gen',
      export: 'afocus',
      options: { ...captcha, part },
      parentURL: import.meta.url,
      seed,
      ...('size' in amount ? { size: amount.size } : {}),
    }),
    codec: fixedLength({ charset, length: captcha.length }),
    batchSize,
    ...('stepsPerEpoch' in amount ? { stepsPerEpoch: amount.stepsPerEpoch } : {}),
  });
}

/** Captchas whose labels neither training nor validation ever saw. */
export function* unseenCaptchas(
  { captcha, unseenPictures }: Recipe,
  seed: number,
): Generator<{ image: Image; label: string }> {
  const style = afocus({ ...captcha, part: 'test' });
  for (let index = 0; index < unseenPictures; index++) yield style.generate(seed, index);
}
