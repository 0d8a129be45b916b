import { afocus } from './afocus.js';

/** All styles by name, for the command. */
export const styles = { afocus } as const;

export type StyleName = keyof typeof styles;
