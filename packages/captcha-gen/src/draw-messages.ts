import type { DrawnCaptchas } from './draw-indices.js';

/** What the main thread asks a worker for. */
export interface DrawTask {
  readonly id: number;
  readonly seed: number;
  readonly indices: readonly number[];
  readonly asFiles: boolean;
}

/** What a worker answers. */
export interface DrawAnswer {
  readonly id: number;
  readonly drawn: DrawnCaptchas;
}
