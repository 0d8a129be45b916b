/** What needs a file system, threads or a PNG encoder; import it as `@proj/captcha-gen/node`. */
export { type CaptchaBatch, type CaptchaBatchesOptions, captchaBatches } from './captcha-batches.js';
export { type FoundFont, findFonts } from './find-fonts.js';
export type { ManifestRecord } from './output-folder.js';
export { encodePng } from './png.js';
export { type WriteFolderOptions, type WriteFolderResult, type WriteOptions, writeFolder } from './write-folder.js';
export { type WriteTarsOptions, type WriteTarsResult, writeTars } from './write-tars.js';
