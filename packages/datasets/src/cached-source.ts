import type { Sample, SampleSource } from './source.js';

const defaultCacheBytes = 128 * 1024 * 1024;

interface Loadable {
  readonly size: number;
  name(index: number): string;
  load(index: number): Promise<Sample>;
}

/** A source that keeps what it has loaded, as long as it fits into `cacheBytes`. */
export function cachedSource(
  { size, name, load }: Loadable,
  cacheBytes: number | undefined = defaultCacheBytes,
): SampleSource {
  const cache = new Map<number, Sample>();
  let room = cacheBytes;
  return {
    size,
    name,
    async sample(index) {
      const cached = cache.get(index);
      // A copy, because a transform may write into the picture it is given.
      if (cached !== undefined) return copyOf(cached);
      const sample = await load(index);
      if (sample.image.data.byteLength <= room) {
        room -= sample.image.data.byteLength;
        cache.set(index, copyOf(sample));
      }
      return sample;
    },
  };
}

function copyOf({ image, label }: Sample): Sample {
  return { image: { ...image, data: image.data.slice() }, label };
}
