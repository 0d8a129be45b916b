import { type NdArray, ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

/** What is remembered of one variable: how often it was updated, and tensors of its shape by slot. */
export interface VariableSlots {
  readonly step: number;
  readonly tensors: Readonly<Record<string, tf.Tensor>>;
}

/** Tensors read to host memory, keyed by `<variable name>/<slot>`, with each variable's `step` as a scalar. */
export async function readSlots(
  variables: ReadonlyMap<string, VariableSlots>,
): Promise<Record<string, NdArray<Float32Array>>> {
  // Clones hold on to the present values while updates go on during the reads.
  const held = [...variables].flatMap(([name, { tensors }]) =>
    Object.entries(tensors).map(([slot, tensor]) => ({ key: `${name}/${slot}`, tensor: tf.keep(tensor.clone()) })),
  );
  const steps = [...variables].map(
    ([name, { step }]) => [`${name}/step`, { data: Float32Array.of(step), shape: [] }] as const,
  );
  try {
    const read = await Promise.all(
      held.map(async ({ key, tensor }) => {
        const data = (await tensor.data<'float32'>()).slice();
        return [key, { data, shape: tensor.shape }] as const;
      }),
    );
    return Object.fromEntries([...steps, ...read]);
  } finally {
    for (const { tensor } of held) tensor.dispose();
  }
}

/**
 * The inverse of {@link readSlots}: kept tensors with a copy of the data.
 *
 * @throws ProjError `state-mismatch` when a variable lacks `step` or a slot of `slotNames`, or has data that does not
 *   fill its shape. No tensor is made then.
 */
export function makeSlots(
  slots: Readonly<Record<string, NdArray<Float32Array>>>,
  slotNames: readonly string[],
): Map<string, VariableSlots> {
  const expected = [...slotNames, 'step'];
  const names = new Set(Object.keys(slots).map((key) => key.slice(0, key.lastIndexOf('/'))));
  for (const [key, { data, shape }] of Object.entries(slots)) {
    const slot = key.slice(key.lastIndexOf('/') + 1);
    if (!key.includes('/') || !expected.includes(slot)) throw mismatch(`slots called ${expected.join(', ')}`, key);
    const size = shape.reduce((product, side) => product * side, 1);
    if (data.length !== size) throw mismatch(`${size} values of shape [${shape}] in ${key}`, `${data.length} values`);
  }
  for (const name of names) {
    for (const slot of expected) {
      if (slots[`${name}/${slot}`] === undefined) throw mismatch(`a slot ${name}/${slot}`, 'none');
    }
  }
  return new Map(
    [...names].map((name) => {
      const step = slots[`${name}/step`]!.data[0]!;
      const tensors = slotNames.map((slot) => {
        const { data, shape } = slots[`${name}/${slot}`]!;
        return [slot, tf.keep(tf.tensor(data.slice(), [...shape], 'float32'))] as const;
      });
      return [name, { step, tensors: Object.fromEntries(tensors) }];
    }),
  );
}

/** @throws ProjError `state-mismatch` */
export function mismatch(expected: string, received: string): ProjError {
  return new ProjError('Cannot take over the saved state', {
    code: 'state-mismatch',
    expected,
    received,
    fix: 'Make the optimizer with the settings it was saved with, for the same model',
  });
}
