import type { LabelledFile } from './captcha-folder.js';
import { type DecodeOptions, decodeImage } from './decode-image.js';
import type { ClassifiedFile } from './image-folder.js';
import type { SampleSource } from './source.js';

/** What `folderSource` describes, opened in a worker thread. */
export function openFolder({
  samples,
  ...decodeOptions
}: DecodeOptions & { readonly samples: readonly (LabelledFile | ClassifiedFile)[] }): SampleSource {
  return {
    size: samples.length,
    name: (index) => samples[index]!.path,
    async sample(index) {
      const { path, label } = samples[index]!;
      return { image: await decodeImage(path, decodeOptions), label };
    },
  };
}
