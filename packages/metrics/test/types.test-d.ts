/** Checked by `tsc`, not run. */
import { expectTypeOf } from 'vitest';
import {
  accuracy,
  charAccuracy,
  characterErrorRate,
  confusionMatrix,
  exactMatch,
  type Metric,
  mean,
  meanLoss,
  perPositionAccuracy,
  type ShareState,
} from '../src/index.js';

/** What a training loop asks of a metric, declared without this package. */
interface TrainerMetric<S> {
  readonly name: string;
  init(): S;
  update(state: S, batch: { logits: Float32Array; shape: readonly number[]; labels: Int32Array }): S;
  merge(a: S, b: S): S;
  compute(state: S): number;
}

function fit<S>(metric: TrainerMetric<S>): S {
  return metric.init();
}

expectTypeOf(fit(exactMatch())).toEqualTypeOf<ShareState>();
expectTypeOf(charAccuracy()).toEqualTypeOf<Metric<ShareState>>();
fit(accuracy({ topK: 5, ignoreIndex: undefined }));
fit(perPositionAccuracy());
fit(confusionMatrix({ numClasses: 10, normalize: 'pred' }));
fit(meanLoss({ per: 'example' }));

// @ts-expect-error a mean takes values, not logits
fit(mean());
// @ts-expect-error an error rate takes texts
fit(characterErrorRate());
// @ts-expect-error the number of classes is needed
confusionMatrix({});
// @ts-expect-error no such average
accuracy({ average: 'weighted' });
// @ts-expect-error labels are typed arrays
charAccuracy().update({ correct: 0, total: 0 }, { logits: new Float32Array(3), shape: [1, 3], labels: [0] });
// @ts-expect-error states are not to be changed
exactMatch().init().correct = 1;

// Metrics of different states stand together, as a training loop takes them.
const together: Record<string, TrainerMetric<unknown>> = { exact: exactMatch(), top5: accuracy({ topK: 5 }) };
expectTypeOf(together).toBeObject();
