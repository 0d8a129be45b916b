import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';

type Values = Record<string, number[]>;

interface Goldens {
  shapes: Record<string, number[]>;
  start: Values;
  gradients: Values[];
  learningRates: number[];
  /** Parameters after some of the steps (counted from 1), by case. */
  cases: Record<string, Record<string, Values>>;
  clip: { maxNorm: number; norm: number; gradients: Values }[];
  ema: { decay: number; averages: Record<string, Values> };
}

/** What PyTorch computed; `make_optimizers.py` says how. */
export const golden: Goldens = JSON.parse(readFileSync(new URL('./goldens/optimizers.json', import.meta.url), 'utf8'));

export const names = Object.keys(golden.shapes);

export function startVariables(): Record<string, tf.Variable> {
  return variablesOf(golden.start);
}

/** Variables of the goldens' names and shapes with these values. */
export function variablesOf(values: Record<string, ArrayLike<number>>): Record<string, tf.Variable> {
  return Object.fromEntries(
    names.map((name) => {
      const start = tf.tensor(Float32Array.from(values[name]!), golden.shapes[name]!);
      const variable = tf.variable(start, true, name);
      start.dispose();
      return [name, variable];
    }),
  );
}

/** The gradients of one step; `skip` leaves some out. */
export function gradientsOf(step: number, skip: (name: string, step: number) => boolean = () => false) {
  const present = names.filter((name) => !skip(name, step));
  return Object.fromEntries(
    present.map((name) => [name, tf.tensor(golden.gradients[step]![name]!, golden.shapes[name]!)]),
  );
}

/** Largest difference between values and reference, as a share of the reference's largest value. */
export function relativeError(values: ArrayLike<number>, reference: readonly number[]): number {
  if (values.length !== reference.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(...reference.map(Math.abs));
  return Math.max(...reference.map((expected, i) => Math.abs(values[i]! - expected))) / largest;
}
