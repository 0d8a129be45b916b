/** What needs a file system; import it as `@proj/core/node`. */
export { writeFileAtomic } from './write-file-atomic.js';
