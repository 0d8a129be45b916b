/** One place of two texts laid beside each other; `null` where one of them has no character there. */
export interface CharacterPair {
  readonly truth: string | null;
  readonly prediction: string | null;
}

/**
 * Lays a prediction beside the truth. Texts of one length are compared place by place, as a head a position reads them;
 * others by the fewest changes (Levenshtein), substitutions before insertions and deletions. A character is a code point.
 */
export function alignTexts(truth: string, prediction: string): CharacterPair[] {
  const a = Array.from(truth);
  const b = Array.from(prediction);
  if (a.length === b.length) return a.map((character, i) => ({ truth: character, prediction: b[i]! }));

  // cost[i][j]: fewest changes from the first i characters of the truth to the first j of the prediction
  const cost = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      cost[i]![j] = Math.min(cost[i - 1]![j - 1]! + changed, cost[i - 1]![j]! + 1, cost[i]![j - 1]! + 1);
    }
  }
  const pairs: CharacterPair[] = [];
  let i = a.length;
  let j = b.length;
  while (i > 0 || j > 0) {
    const here = cost[i]![j]!;
    if (i > 0 && j > 0 && here === cost[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)) {
      pairs.push({ truth: a[--i]!, prediction: b[--j]! });
    } else if (i > 0 && here === cost[i - 1]![j]! + 1) {
      pairs.push({ truth: a[--i]!, prediction: null });
    } else {
      pairs.push({ truth: null, prediction: b[--j]! });
    }
  }
  return pairs.reverse();
}
