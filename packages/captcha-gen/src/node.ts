/** What needs a file system or a PNG encoder; import it as `@proj/captcha-gen/node`. */
export { encodePng } from './png.js';
export { type ManifestRecord, type WriteFolderOptions, type WriteFolderResult, writeFolder } from './write-folder.js';
