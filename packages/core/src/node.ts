/** What needs a file system; import it as `@proj/core/node`. */
export { type NamedFile, writeFileAtomic, writeFilesAtomic, writeFilesAtomicSync } from './write-file-atomic.js';
