import { ProjError } from './error.js';

/**
 * For callers without types, whose misspelt options would pass in silence.
 *
 * @param owner the function that takes the options, as errors call it.
 * @param known has a field for each option there is.
 * @throws ProjError `invalid-option` for what is no object, `unknown-option` with the nearest name there is. Options that are
 * `undefined` pass.
 */
export function checkOptionNames(owner: string, given: object, known: object): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ProjError(`${owner} takes its options by name`, {
      code: 'invalid-option',
      expected: 'an object',
      received: given === null ? 'null' : Array.isArray(given) ? 'an array' : typeof given,
    });
  }
  const unknown = Object.entries(given).find(
    ([name, value]) => value !== undefined && !Object.hasOwn(known, name),
  )?.[0];
  if (unknown === undefined) return;
  const names = Object.keys(known);
  const nearest = nearestOf(unknown, names);
  throw new ProjError(`${owner} has no option \`${unknown}\``, {
    code: 'unknown-option',
    expected: names.length === 0 ? 'no options' : `options out of ${names.join(', ')}`,
    received: unknown,
    ...(nearest !== undefined && { fix: `Did you mean \`${nearest}\`?` }),
  });
}

/** The name from which the word differs least: in three letters at most, and in no more than half of its own. */
function nearestOf(word: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => ({ name, distance: editDistance(word.toLowerCase(), name.toLowerCase()) }));
  const [best] = distances.sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= Math.min(3, word.length / 2) ? best.name : undefined;
}

/** The least number of insertions, deletions and replacements that make `b` of `a` (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
