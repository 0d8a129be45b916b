import type { CaptchaStyle } from '../style.js';
import { afocus } from './afocus.js';
import { arithmetic } from './arithmetic.js';
import { imageCaptcha } from './image-captcha.js';
import { wide } from './wide.js';

/** All styles by name, for the command and for worker threads. */
export const styles = { afocus, imageCaptcha, wide, arithmetic } as const;

export type StyleName = keyof typeof styles;

/** Makes a style from plain data, as `CaptchaStyle.recipe` holds it. */
export function makeStyle(style: StyleName, options: unknown): CaptchaStyle {
  return styles[style](options as Record<string, never>);
}
