import { type NdArray, ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

/**
 * Weights of a model (default: all) as variables by the names they were given (`conv1/kernel`), in the model's order.
 * tfjs appends `_1`, `_2`, ... to the variables of a second model of the same layer names in one process; the names here
 * are without that, so that files fit every instance of an architecture.
 *
 * @throws ProjError `duplicate-weight-name` when two weights share a name.
 */
export function namedVariables(model: tf.LayersModel, weights = model.weights): Record<string, tf.Variable> {
  const byName = new Map<string, tf.Variable>();
  for (const weight of weights) {
    const name = weight.originalName;
    if (byName.has(name)) {
      throw new ProjError(`Cannot tell the weights of model "${model.name}" apart`, {
        code: 'duplicate-weight-name',
        expected: 'every weight to have a name of its own',
        received: `"${name}" twice`,
        fix: 'Give every layer its own name',
      });
    }
    byName.set(name, weight.read() as tf.Variable);
  }
  return Object.fromEntries(byName);
}

/** Copies of all weights in host memory, by name. */
export async function readWeights(model: tf.LayersModel): Promise<Record<string, NdArray>> {
  const entries = Object.entries(namedVariables(model)).map(async ([name, variable]) => {
    const data = (await variable.data()).slice() as NdArray['data']; // a backend may give its own memory
    return [name, { data, shape: variable.shape }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Sets all weights. Names and shapes are compared first, so a model that does not fit is left as it was.
 *
 * @param source where the values come from, for the message.
 * @throws ProjError `model-mismatch` that names the first difference.
 */
export function writeWeights(model: tf.LayersModel, values: Readonly<Record<string, NdArray>>, source: string): void {
  const variables = namedVariables(model);
  const mismatch = (expected: string, received: string) =>
    new ProjError(`Weights of ${source} do not fit model "${model.name}"`, {
      code: 'model-mismatch',
      expected,
      received,
      fix: 'Build the model with the settings and layer names it was saved with',
    });
  const extra = Object.keys(values).find((name) => !Object.hasOwn(variables, name));
  for (const [name, { shape }] of Object.entries(variables)) {
    const value = values[name];
    if (value === undefined)
      throw mismatch(`a weight "${name}"`, extra === undefined ? 'none' : `one called "${extra}"`);
    if (value.shape.join() !== shape.join()) throw mismatch(`"${name}" of shape [${shape}]`, `[${value.shape}]`);
  }
  if (extra !== undefined) throw mismatch('no weight that the model lacks', `"${extra}"`);

  tf.tidy(() => {
    for (const [name, variable] of Object.entries(variables)) {
      const { data, shape } = values[name]!;
      variable.assign(tf.tensor(data.slice(), [...shape], variable.dtype));
    }
  });
}

/** Names of the arrays that hold a NaN or an infinity. */
export function nonFinite(arrays: Readonly<Record<string, NdArray>>): string[] {
  return Object.keys(arrays).filter((name) => {
    const { data } = arrays[name]!;
    return data instanceof Float32Array && !data.every(Number.isFinite);
  });
}
