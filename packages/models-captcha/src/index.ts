export { countMacs, type MacCount } from '@proj/models-core';
export { type CaptchaMetadata, type CaptchaModelOptions, captchaMetadata } from './captcha-task.js';
export { captchaModels } from './registry.js';
export { captchaV1 } from './v1.js';
export { captchaV2 } from './v2.js';
export { captchaV3 } from './v3.js';
export { type CaptchaV4Options, captchaV4 } from './v4.js';
