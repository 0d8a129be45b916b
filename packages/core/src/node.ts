/** What needs a file system; import it as `@proj/core/node`. */
export { type NamedFile, writeFileAtomic, writeFilesAtomic } from './write-file-atomic.js';
