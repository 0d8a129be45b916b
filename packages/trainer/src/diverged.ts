import { type Batch, ProjError } from '@proj/core';

/**
 * The error for a run whose loss or weights are no longer finite numbers. Looks into the batch first, because a NaN in
 * the data needs another mend than a learning rate that is too high.
 */
export function divergedError(
  facts: {
    readonly step: number;
    readonly loss: number | undefined;
    readonly learningRate: number;
    readonly lastFiniteLoss: number | undefined;
    /** The first weight that is not finite, where weights were looked at. */
    readonly weight?: string;
    readonly checkpoint: string | undefined;
  },
  batch?: Batch,
): ProjError {
  const { step, loss, learningRate, lastFiniteLoss, weight, checkpoint } = facts;
  const badInput = batch?.inputs.data.findIndex((value) => !Number.isFinite(value)) ?? -1;
  const lastLoss =
    lastFiniteLoss === undefined ? 'there was no finite loss before' : `last finite loss ${lastFiniteLoss}`;
  const kept = checkpoint === undefined ? '' : `; the checkpoint ${checkpoint} is still good`;
  if (batch !== undefined && badInput >= 0) {
    const example = Math.floor(badInput / (batch.inputs.data.length / batch.inputs.shape[0]!));
    return new ProjError(`Training diverged at step ${step}: the batch holds a value that is not a finite number`, {
      code: 'diverged',
      expected: 'finite values in the pictures',
      received: `${batch.inputs.data[badInput]} in example ${example} of the batch, number ${batch.indices[example]} of its source`,
      fix: `Mend or leave out that picture${kept}`,
    });
  }
  return new ProjError(`Training diverged at step ${step}`, {
    code: 'diverged',
    expected: weight === undefined ? 'a finite loss' : 'finite weights',
    received: `${weight === undefined ? `loss ${loss}` : `NaN or infinity in ${weight}`} at learning rate ${learningRate}; ${lastLoss}`,
    fix: `Lower the learning rate, begin with a warm-up, or set clipGlobalNorm${kept}`,
  });
}
