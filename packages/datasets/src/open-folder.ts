import { cachedSource } from './cached-source.js';
import type { LabelledFile } from './captcha-folder.js';
import { decodeImage } from './decode-image.js';
import type { ClassifiedFile } from './image-folder.js';
import type { FolderSourceOptions, SampleSource } from './source.js';

/** What `folderSource` describes, opened in a worker thread. */
export function openFolder({
  samples,
  cacheBytes,
  ...decodeOptions
}: FolderSourceOptions & { readonly samples: readonly (LabelledFile | ClassifiedFile)[] }): SampleSource {
  const load = async (index: number) => {
    const { path, label } = samples[index]!;
    return { image: await decodeImage(path, decodeOptions), label };
  };
  return cachedSource({ size: samples.length, name: (index) => samples[index]!.path, load }, cacheBytes);
}
