export { type Charset, charsets } from './charset.js';
export type { ColorInput } from './color.js';
export type { FontSource } from './font.js';
export type { Box } from './mask.js';
export { type Part, type PartShares, partOf } from './part.js';
export type { Captcha, CaptchaParameters, CaptchaStyle, CharacterParameters } from './style.js';
export { type AfocusOptions, type AfocusParameters, afocus, type Disturbance } from './styles/afocus.js';
