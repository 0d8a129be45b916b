import { ProjError } from '@proj/core';
import type { Metric } from './metric.js';

/**
 * The least number of insertions, deletions and replacements that make `b` of `a` (Levenshtein 1966). Texts are compared
 * by code point, lists element by element.
 */
export function editDistance(a: string | readonly string[], b: string | readonly string[]): number {
  const [from, to] = [[...a], [...b]];
  let above = Array.from({ length: to.length + 1 }, (_, j) => j);
  from.forEach((symbol, i) => {
    const row = [i + 1];
    to.forEach((other, j) => {
      const replaced = above[j]! + (symbol === other ? 0 : 1);
      row.push(Math.min(replaced, above[j + 1]! + 1, row[j]! + 1));
    });
    above = row;
  });
  return above[to.length]!;
}

/** What was read and what is true, text by text. */
export interface TextBatch {
  readonly predicted: readonly string[];
  readonly expected: readonly string[];
}

export interface ErrorRateState {
  readonly edits: number;
  /** Characters or words of the true texts. */
  readonly units: number;
}

/**
 * Edits per character of the true texts (CER), over all texts together; above 1 where much too much is read.
 * torchmetrics: `CharErrorRate`.
 *
 * @throws ProjError on update `invalid-shape` when there are not as many predicted as true texts.
 */
export function characterErrorRate(): Metric<ErrorRateState, TextBatch> {
  return errorRate('characterErrorRate', (text) => [...text]);
}

/**
 * Edits per word of the true texts (WER), words being what stands between white space. torchmetrics: `WordErrorRate`.
 *
 * @throws ProjError on update `invalid-shape` when there are not as many predicted as true texts.
 */
export function wordErrorRate(): Metric<ErrorRateState, TextBatch> {
  return errorRate('wordErrorRate', (text) => text.split(/\s+/u).filter((word) => word !== ''));
}

function errorRate(name: string, unitsOf: (text: string) => readonly string[]): Metric<ErrorRateState, TextBatch> {
  return {
    name,
    init: () => ({ edits: 0, units: 0 }),
    merge: (a, b) => ({ edits: a.edits + b.edits, units: a.units + b.units }),
    update(state, { predicted, expected }) {
      if (predicted.length !== expected.length) {
        throw new ProjError(`${name}: every text needs its true text`, {
          code: 'invalid-shape',
          expected: `${expected.length} predicted texts`,
          received: `${predicted.length}`,
        });
      }
      let { edits, units } = state;
      expected.forEach((text, i) => {
        const truth = unitsOf(text);
        edits += editDistance(unitsOf(predicted[i]!), truth);
        units += truth.length;
      });
      return { edits, units };
    },
    compute: ({ edits, units }) => edits / units,
  };
}
