import type { CaptchaParameters, CaptchaStyle } from './style.js';

/** Some captchas in one buffer. */
export interface DrawnCaptchas {
  /** `[B, height, width, 3]`, 0..255. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly labels: readonly string[];
  readonly indices: readonly number[];
  /** Empty unless they were asked for. */
  readonly parameters: readonly CaptchaParameters[];
}

/** Draws captchas side by side, with their parameters where `describe` is set. */
export function drawIndices(
  style: CaptchaStyle,
  seed: number,
  indices: readonly number[],
  describe: boolean,
): DrawnCaptchas {
  const size = style.width * style.height * 3;
  const data = new Uint8ClampedArray(indices.length * size);
  const parameters: CaptchaParameters[] = [];
  const labels = indices.map((index, i) => {
    if (!describe) return style.generateInto(seed, index, data, i * size);
    const captcha = style.generate(seed, index);
    data.set(captcha.image.data, i * size);
    parameters.push(captcha.parameters);
    return captcha.label;
  });
  return { data, labels, indices, parameters };
}
