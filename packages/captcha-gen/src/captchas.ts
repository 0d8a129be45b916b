import { rangeOf, type SequenceOptions } from './sequence.js';
import type { Captcha, CaptchaParameters, CaptchaStyle } from './style.js';

/** The captchas of a sequence in order, each drawn when it is asked for. Runs wherever JavaScript does. */
export async function* captchas<P extends CaptchaParameters>(
  style: CaptchaStyle<P>,
  options: SequenceOptions,
): AsyncGenerator<Captcha<P> & { readonly index: number }> {
  const { start, count } = rangeOf(options);
  for (let index = start; index < start + count; index++) yield { ...style.generate(options.seed, index), index };
}
