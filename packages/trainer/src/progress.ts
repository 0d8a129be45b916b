/** What ends a run; whichever comes first. */
export interface Limits {
  readonly epochs?: number | undefined;
  readonly totalSteps?: number | undefined;
  /** Milliseconds of the whole run, those of sessions before a resume included. */
  readonly maxDurationMs?: number | undefined;
}

/**
 * Steps of the whole run by epochs and totalSteps; Infinity when neither is given. Those of the epochs still to come are
 * added to those done, because before a resume an epoch may have had another number of steps.
 */
export function stepLimit(
  { epochs = Infinity, totalSteps = Infinity }: Limits,
  stepsPerEpoch: number,
  { step, epoch, stepInEpoch }: { readonly step: number; readonly epoch: number; readonly stepInEpoch: number },
): number {
  return Math.min(totalSteps, step + (epochs - epoch) * stepsPerEpoch - stepInEpoch);
}

/** Share of the run that is done, 0..1: the largest over the limits. */
export function progressOf(steps: number, elapsedMs: number, maxSteps: number, maxDurationMs = Infinity): number {
  return Math.min(1, Math.max(steps / maxSteps, elapsedMs / maxDurationMs));
}

/** Steps and examples a millisecond over the last seconds of training. */
export class Throughput {
  readonly #spanMs: number;
  readonly #steps: { examples: number; durationMs: number }[] = [];
  #examples = 0;
  #durationMs = 0;

  constructor(spanMs = 10_000) {
    this.#spanMs = spanMs;
  }

  add(examples: number, durationMs: number): void {
    this.#steps.push({ examples, durationMs });
    this.#examples += examples;
    this.#durationMs += durationMs;
    while (this.#steps.length > 1 && this.#durationMs - this.#steps[0]!.durationMs >= this.#spanMs) {
      const oldest = this.#steps.shift()!;
      this.#examples -= oldest.examples;
      this.#durationMs -= oldest.durationMs;
    }
  }

  get examplesPerSecond(): number {
    return this.#durationMs > 0 ? (1000 * this.#examples) / this.#durationMs : 0;
  }

  get msPerStep(): number {
    return this.#steps.length > 0 ? this.#durationMs / this.#steps.length : 0;
  }
}
