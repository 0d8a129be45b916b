import { ProjError } from '@proj/core';
import { codeSpan, markdownTable } from './markdown.js';
import { alignTexts } from './text-difference.js';

/** A character that was read as another. */
export interface Confusion {
  /** The character that stood there; `null` where there was none. */
  readonly truth: string | null;
  /** What was read; `null` where it was passed over. */
  readonly prediction: string | null;
  /** How often. */
  readonly count: number;
  /** How often `truth` stood there at all; 0 where `truth` is `null`. */
  readonly occurrences: number;
}

/**
 * Which characters were read as which others, the most frequent first, then in the order of code points. Texts of one
 * length are compared place by place, others by the fewest changes.
 *
 * @throws ProjError `length-mismatch` when the two lists differ in length.
 */
export function confusedCharacters(truths: readonly string[], predictions: readonly string[]): Confusion[] {
  if (truths.length !== predictions.length) {
    throw new ProjError('Cannot compare predictions with the truth', {
      code: 'length-mismatch',
      expected: `a prediction for each of the ${truths.length} texts`,
      received: `${predictions.length} predictions`,
    });
  }
  const occurrences = new Map<string | null, number>();
  const confusions = new Map<string, { truth: string | null; prediction: string | null; count: number }>();
  for (const [i, text] of truths.entries()) {
    for (const { truth, prediction } of alignTexts(text, predictions[i]!)) {
      if (truth !== null) occurrences.set(truth, (occurrences.get(truth) ?? 0) + 1);
      if (truth === prediction) continue;
      const key = JSON.stringify([truth, prediction]);
      const known = confusions.get(key);
      if (known) known.count += 1;
      else confusions.set(key, { truth, prediction, count: 1 });
    }
  }
  return [...confusions.entries()]
    .sort(([keyA, a], [keyB, b]) => b.count - a.count || (keyA < keyB ? -1 : 1))
    .map(([, confusion]) => ({ ...confusion, occurrences: occurrences.get(confusion.truth) ?? 0 }));
}

/**
 * The first `limit` confusions as a Markdown table: character, what it was read as, how often, and what share of its
 * occurrences that is. A sentence where there are none.
 */
export function confusionTable(
  confusions: readonly Confusion[],
  { limit = 10 }: { readonly limit?: number | undefined } = {},
): string {
  if (confusions.length === 0) return 'No character was confused with another.\n';
  return markdownTable(
    ['Character', 'Read as', 'Times', 'Of its occurrences'],
    confusions
      .slice(0, limit)
      .map(({ truth, prediction, count, occurrences }) => [
        truth === null ? 'none' : codeSpan(truth),
        prediction === null ? 'none' : codeSpan(prediction),
        String(count),
        truth === null ? '' : `${((100 * count) / occurrences).toFixed(1)}% of ${occurrences}`,
      ]),
    ['left', 'left', 'right', 'right'],
  );
}
