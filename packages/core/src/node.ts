/** What needs a file system; import it as `@proj/core/node`. */
export { type WriteOptions, writeFileAtomic } from './write-file-atomic.js';
