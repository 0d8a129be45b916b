export type { SkippedPicture } from './batch-maker.js';
export { type CaptchaFolder, type CaptchaFolderOptions, captchaFolder, type LabelledFile } from './captcha-folder.js';
export { type DecodeOptions, decodeImage } from './decode-image.js';
export type { LastBatch } from './epoch-plan.js';
export { type FixedLengthConfig, type FixedLengthOptions, fixedLength, type LabelCodec } from './label-codec.js';
export { type Loader, type LoaderOptions, loader } from './loader.js';
export type { ModuleDescriptor } from './module-descriptor.js';
export {
  type FolderSourceOptions,
  folderSource,
  generatorSource,
  type PictureGenerator,
  type Sample,
  type SampleSource,
  type SourceDescriptor,
  type Transform,
  type TransformDescriptor,
} from './source.js';
export { type SplitOptions, splitByString } from './split.js';
