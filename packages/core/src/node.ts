/** What needs a file system; import it as `@proj/core/node`. */
export { writeFileAtomic, writeFileAtomicSync } from './write-file-atomic.js';
