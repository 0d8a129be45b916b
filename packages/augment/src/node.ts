/** What needs a file system and a decoder; import it as `@proj/augment/node`. */
export {
  type ExpandFolderOptions,
  type ExpandFolderResult,
  type ExpansionRecord,
  expandFolder,
  readExpansion,
} from './expand-folder.js';
