import type { LabelledFile } from './captcha-folder.js';
import { type DecodeOptions, decodeImage } from './decode-image.js';
import type { Sample, SampleSource } from './source.js';

const defaultCacheBytes = 128 * 1024 * 1024;

/** What `folderSource` describes, opened in a worker thread. */
export function openFolder({
  samples,
  cacheBytes = defaultCacheBytes,
  ...decodeOptions
}: DecodeOptions & { readonly samples: readonly LabelledFile[]; readonly cacheBytes?: number }): SampleSource {
  const cache = new Map<number, Sample>();
  let room = cacheBytes;
  return {
    size: samples.length,
    name: (index) => samples[index]!.path,
    async sample(index) {
      const cached = cache.get(index);
      // A copy, because a transform may write into the picture it is given.
      if (cached !== undefined) return { ...cached, image: { ...cached.image, data: cached.image.data.slice() } };
      const { path, label } = samples[index]!;
      const sample = { image: await decodeImage(path, decodeOptions), label };
      if (sample.image.data.byteLength <= room) {
        room -= sample.image.data.byteLength;
        cache.set(index, { ...sample, image: { ...sample.image, data: sample.image.data.slice() } });
      }
      return sample;
    },
  };
}
