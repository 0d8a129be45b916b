export { type CaptchaFolder, type CaptchaFolderOptions, captchaFolder, type LabelledFile } from './captcha-folder.js';
export { type Cifar10, type Cifar10Options, type Cifar10Sample, cifar10, cifar10Source } from './cifar10.js';
export { classNames } from './class-names.js';
export { balancedWeights, type ClassWeightOptions, classWeights } from './class-weights.js';
export { labelCodec } from './codec-from-config.js';
export type { SkippedPicture } from './collator.js';
export { type CtcCodec, type CtcOptions, ctc } from './ctc.js';
export { type DecodeOptions, decodeImage } from './decode-image.js';
export { type Cifar10Download, downloadCifar10 } from './download-cifar10.js';
export type { BatchCodec } from './encode-labels.js';
export type { LastBatch } from './epoch-plan.js';
export { type FixedLengthOptions, fixedLength } from './fixed-length.js';
export { type ClassifiedFile, type ImageFolder, type ImageFolderOptions, imageFolder } from './image-folder.js';
export type {
  ClassNamesConfig,
  CtcConfig,
  FixedLengthConfig,
  LabelCodec,
  LabelCodecConfig,
  OneHotConfig,
} from './label-codec.js';
export { type Loader, loader } from './loader.js';
export type { LoaderOptions } from './loader-options.js';
export type { LoaderState } from './loader-state.js';
export type { ModuleDescriptor } from './module-descriptor.js';
export { oneHot } from './one-hot.js';
export { measureQuality, type Quality } from './quality.js';
export {
  type DroppedPicture,
  type DropReason,
  type QualityFilterOptions,
  type QualityReport,
  qualityFilter,
} from './quality-filter.js';
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
export { type PictureSplitOptions, type SplitOptions, splitByPicture, splitByString } from './split.js';
export {
  readWebDataset,
  type WebDataset,
  type WebDatasetExample,
  type WebDatasetOptions,
  type WebDatasetSample,
  webDataset,
  webDatasetSource,
} from './web-dataset.js';
