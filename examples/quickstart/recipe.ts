/**
 * The quickstart: a captcha recogniser in minutes on two CPU cores. The quick form is for slow backends and goes the
 * whole way in about a minute.
 */
export interface Recipe {
  /** Pictures and labels, as `@proj/captcha-gen` draws them. */
  readonly captcha: { readonly width: number; readonly height: number; readonly length: number };
  /** Channels of model v4's stem; each stage doubles them. */
  readonly width: number;
  readonly batchSize: number;
  /** Steps of the whole training, unless `maxMinutes` ends it before. */
  readonly totalSteps: number;
  readonly maxMinutes: number;
  /** How often a checkpoint is written. */
  readonly checkpoint: { readonly everyMs: number } | { readonly everySteps: number };
  /** Of AdamW: warm-up from 0 to this over the first `warmupFraction` of the run, then a cosine down to 0. */
  readonly peakLearningRate: number;
  readonly warmupFraction: number;
  readonly weightDecay: number;
  /** Pictures measured ten times on the way, and those measured at the end. */
  readonly validationPictures: number;
  readonly unseenPictures: number;
}

export const full: Recipe = {
  captcha: { width: 128, height: 64, length: 4 },
  width: 16,
  batchSize: 32,
  totalSteps: 2500,
  maxMinutes: 7.5,
  checkpoint: { everyMs: 20_000 },
  peakLearningRate: 6e-3,
  warmupFraction: 0.1,
  weightDecay: 0.01,
  validationPictures: 512,
  unseenPictures: 2000,
};

export const quick: Recipe = {
  ...full,
  width: 4,
  batchSize: 8,
  totalSteps: 20,
  maxMinutes: 1,
  checkpoint: { everySteps: 1 },
  validationPictures: 8,
  unseenPictures: 32,
};
