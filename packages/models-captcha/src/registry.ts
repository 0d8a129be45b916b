import type * as tf from '@tensorflow/tfjs';
import type { CaptchaModelOptions } from './captcha-task.js';
import { captchaV1 } from './v1.js';
import { captchaV2 } from './v2.js';
import { captchaV3 } from './v3.js';
import { captchaV4 } from './v4.js';

/** Every captcha model of this package by the name that its metadata calls `architecture`. */
export const captchaModels = {
  v1: captchaV1,
  v2: captchaV2,
  v3: captchaV3,
  v4: captchaV4,
} as const satisfies Record<string, (options?: CaptchaModelOptions) => tf.LayersModel>;
