/** What needs a file system; import it as `@proj/core/node`. */
export { makeFolder } from './make-folder.js';
export { writeFileAtomic, writeFileAtomicSync } from './write-file-atomic.js';
