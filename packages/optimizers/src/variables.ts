import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import type { NamedGradients, NamedVariables } from './optimizer.js';

/** A variable with its gradient and the name under which its state is kept. */
export interface VariableGradient {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
}

/**
 * The weights of a layers model by the names that its file has for them (`conv1/kernel`). TensorFlow.js itself adds
 * `_1`, `_2`... to the variables of each further model of a process, so only these names are the same in a process
 * that goes on from a checkpoint.
 *
 * @param only `trainable` (default) or `all`, which adds the moving statistics of batch normalisation.
 * @throws ProjError `duplicate-variable` when two weights have the same name, as two nested models can have.
 */
export function modelVariables(
  model: tf.LayersModel,
  only: 'trainable' | 'all' = 'trainable',
): Readonly<Record<string, tf.Variable>> {
  const weights = only === 'all' ? model.weights : model.trainableWeights;
  const named = new Map<string, tf.Variable>();
  for (const weight of weights) {
    if (named.has(weight.originalName)) throw duplicate(weight.originalName);
    named.set(weight.originalName, weight.read() as tf.Variable);
  }
  return Object.fromEntries(named);
}

/** Variables with the names of their state, each name and each variable once. */
export function nameVariables(variables: NamedVariables | undefined): readonly (readonly [string, tf.Variable])[] {
  const entries = Array.isArray(variables)
    ? variables.map((variable: tf.Variable) => [variable.name, variable] as const)
    : Object.entries(variables ?? tf.engine().registeredVariables);
  const names = new Set<string>();
  for (const [, variable] of entries) {
    if (names.has(variable.name)) throw duplicate(variable.name);
    names.add(variable.name);
  }
  return entries;
}

/** Puts gradients and variables together, and checks that they fit. */
export function pairUp(gradients: NamedGradients, variables: NamedVariables | undefined): readonly VariableGradient[] {
  const known = new Map(nameVariables(variables).map((entry) => [entry[1].name, entry]));
  return Object.entries(gradients).map(([variableName, gradient]) => {
    const entry = known.get(variableName);
    if (entry === undefined) {
      throw new ProjError(`Cannot apply the gradient of ${variableName}: there is no such variable`, {
        code: 'unknown-variable',
        expected: 'gradients keyed by `tf.Variable.name`, as `tf.variableGrads` gives them',
        received: `${variableName}, not among ${known.size} variables`,
        fix: 'Pass the variables the gradients were taken of, and check that none was disposed',
      });
    }
    const [name, variable] = entry;
    assertSameShape(`the gradient of ${name}`, variable.shape, gradient.shape);
    return { name, variable, gradient };
  });
}

/** @throws ProjError `shape-mismatch` */
export function assertSameShape(what: string, expected: readonly number[], received: readonly number[]): void {
  if (tf.util.arraysEqual([...expected], [...received])) return;
  throw new ProjError(`Cannot use ${what}: it has another shape than the variable`, {
    code: 'shape-mismatch',
    expected: `[${expected}]`,
    received: `[${received}]`,
    fix: 'Check that the state or gradient comes from the same model',
  });
}

function duplicate(name: string): ProjError {
  return new ProjError(`Two variables are called ${name}`, {
    code: 'duplicate-variable',
    expected: 'each variable once and under a name of its own, because state is kept by name',
    received: `${name} twice`,
    fix: 'Name the variables yourself: pass `variables` as a record from name to variable',
  });
}
