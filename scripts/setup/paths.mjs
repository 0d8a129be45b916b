import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What setting up brings that is not in node_modules: pnpm, unpacked Debian packages, logs, stamps. */
export const setupFolder = join(root, '.setup');
