import { dirname, relative, sep } from 'node:path';
import { ProjError, Rng, type RngKey } from '@proj/core';

export interface SplitOptions<K extends string> {
  /** The share of each part by name, above 0; together they make 1. */
  readonly fractions: Readonly<Record<K, number>>;
  readonly seed: RngKey;
}

export interface PictureSplitOptions<T, K extends string> extends SplitOptions<K> {
  /**
   * Pictures of one group go to the same part: the source that augmented copies were made from, a person, a writer.
   * Default: every picture is a group of its own.
   */
  readonly group?: ((sample: T) => string) | undefined;
  /** Divides each class by the fractions, instead of all pictures together. Default false. */
  readonly stratify?: boolean | undefined;
}

/** What a split looks at; `path` or `name` tells pictures apart. */
interface Labelled {
  readonly label: string | number;
  readonly path?: string;
  readonly name?: string;
}

/** Samples that stay together. */
interface Group {
  readonly key: string;
  /** The number that decides its place among the others, drawn from seed and key. */
  readonly draw: number;
  readonly label: string | number;
  count: number;
}

/**
 * Splits samples so that no label stands on both sides: samples with the same label go to the same part. Part sizes
 * come as near to the fractions as whole labels allow.
 *
 * The labels are put in an order drawn from the seed and each label's text alone, then cut by the fractions. So the
 * result does not depend on the order of `samples`, and adding pictures moves only labels close to a cut. Within a
 * part the samples keep the order they came in.
 *
 * @throws ProjError `invalid-fractions` unless every fraction is above 0 and their sum is 1; `empty-part` when there
 *   are too few different labels for every part to get one.
 */
export function splitByString<T extends { readonly label: string | number }, K extends string>(
  samples: readonly T[],
  { fractions, seed }: SplitOptions<K>,
): Record<K, T[]> {
  const parts = checkedParts(fractions);
  const rng = new Rng(seed);
  const keyOf = ({ label }: T) => String(label);
  const groups = groupsOf(samples, keyOf, (key) => rng.split('label', key).uniform());
  return distribute(samples, keyOf, cut([...groups.values()], parts, 0.5), fractions);
}

/**
 * Splits samples picture by picture, so that what a part gets does not depend on labels: for classes that stand on all
 * sides. With `group` whole groups go to one part, so that copies of a picture never stand on two sides; with `stratify`
 * every class has the fractions, to one picture (a class with few pictures may be missing from a small part).
 *
 * As with {@link splitByString} the order is drawn from the seed and each group's name alone, by default a picture's
 * `name`, or its `path` from the folder on that all pictures share: the result depends neither on the order of `samples`
 * nor on where the folder lies. Within a part the samples keep the order they came in.
 *
 * @throws ProjError `invalid-fractions`, `empty-part`; `missing-group` for samples without `path`, `name` and `group`;
 *   `mixed-group` where `stratify` meets a group with two labels.
 */
export function splitByPicture<T extends Labelled, K extends string>(
  samples: readonly T[],
  { fractions, seed, group, stratify = false }: PictureSplitOptions<T, K>,
): Record<K, T[]> {
  const parts = checkedParts(fractions);
  const rng = new Rng(seed);
  const keyOf = group ?? pictureName(samples);
  const groups = groupsOf(samples, keyOf, (key) => rng.split('group', key).uniform());
  const partOf = new Map<string, K>();
  if (stratify) checkLabels(samples, keyOf, groups);
  for (const [label, members] of stratify ? byLabel(groups.values()) : [['', [...groups.values()]] as const]) {
    // A drawn offset: were it the same for all, classes of few pictures would round to the same side.
    const offset = stratify ? rng.split('class', label).uniform() : 0.5;
    for (const [key, part] of cut(members, parts, offset)) partOf.set(key, part);
  }
  return distribute(samples, keyOf, partOf, fractions);
}

function checkedParts<K extends string>(fractions: Readonly<Record<K, number>>): [K, number][] {
  const parts = Object.entries<number>(fractions) as [K, number][];
  const total = parts.reduce((sum, [, fraction]) => sum + fraction, 0);
  if (parts.every(([, fraction]) => fraction > 0) && Math.abs(total - 1) < 1e-6) return parts;
  throw new ProjError('Cannot split the samples', {
    code: 'invalid-fractions',
    expected: 'fractions above 0 that make 1 together',
    received: JSON.stringify(fractions),
  });
}

function groupsOf<T extends Labelled>(
  samples: readonly T[],
  keyOf: (sample: T) => string,
  draw: (key: string) => number,
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { key, draw: draw(key), label: sample.label, count: 1 });
    else group.count++;
  }
  return groups;
}

/** Which part each group belongs to: put in the drawn order, then cut by the fractions. */
function cut<K extends string>(
  groups: readonly Group[],
  parts: readonly [K, number][],
  offset: number,
): Map<string, K> {
  const order = [...groups].sort((a, b) => a.draw - b.draw || (a.key < b.key ? -1 : 1));
  const size = groups.reduce((sum, { count }) => sum + count, 0);
  const partOf = new Map<string, K>();
  let part = 0;
  let end = parts[0]![1];
  let before = 0;
  for (const { key, count } of order) {
    // A group belongs where one point of it lies, its middle for example, so that rounding favours no part.
    const point = (before + count * offset) / size;
    while (point > end && part < parts.length - 1) end += parts[++part]![1];
    partOf.set(key, parts[part]![0]);
    before += count;
  }
  return partOf;
}

function distribute<T, K extends string>(
  samples: readonly T[],
  keyOf: (sample: T) => string,
  partOf: ReadonlyMap<string, K>,
  fractions: Readonly<Record<K, number>>,
): Record<K, T[]> {
  const names = Object.keys(fractions) as K[];
  const result = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  for (const sample of samples) result[partOf.get(keyOf(sample))!].push(sample);
  for (const name of names) {
    if (result[name].length > 0) continue;
    throw new ProjError(`Cannot split the samples: nothing is left for '${name}'`, {
      code: 'empty-part',
      expected: 'at least one sample in each part',
      received: `${samples.length} samples in ${partOf.size} groups that stay together, for ${JSON.stringify(fractions)}`,
      fix: 'Use more samples or a larger fraction',
    });
  }
  return result;
}

function byLabel(groups: Iterable<Group>): Map<string, Group[]> {
  const strata = new Map<string, Group[]>();
  for (const group of groups) {
    const label = String(group.label);
    const members = strata.get(label);
    if (members === undefined) strata.set(label, [group]);
    else members.push(group);
  }
  return strata;
}

function checkLabels<T extends Labelled>(
  samples: readonly T[],
  keyOf: (sample: T) => string,
  groups: ReadonlyMap<string, Group>,
): void {
  for (const sample of samples) {
    const key = keyOf(sample);
    const { label } = groups.get(key)!;
    if (label === sample.label) continue;
    throw new ProjError('Cannot split the samples by class', {
      code: 'mixed-group',
      expected: 'one label in each group',
      received: `${label} and ${sample.label} in the group '${key}'`,
      fix: 'Leave `stratify` out, or choose smaller groups',
    });
  }
}

/** What a picture is called wherever its folder lies. */
function pictureName(samples: readonly Labelled[]): (sample: Labelled) => string {
  const unnamed = samples.find(({ name, path }) => name === undefined && path === undefined);
  if (unnamed !== undefined) {
    throw new ProjError('Cannot tell the pictures apart', {
      code: 'missing-group',
      expected: 'samples with a `path` or a `name`',
      received: JSON.stringify(unnamed),
      fix: 'Pass `group: (sample) => ...` with a text for each picture',
    });
  }
  const paths = samples.flatMap(({ name, path }) => (name === undefined ? [path!] : []));
  const shared = sharedFolder(paths);
  return ({ name, path }) => name ?? relative(shared, path!).split(sep).join('/');
}

/** The deepest folder that holds all paths. */
function sharedFolder(paths: readonly string[]): string {
  let shared = dirname(paths[0] ?? '');
  for (const path of paths) {
    while (path !== shared && !path.startsWith(shared.endsWith(sep) ? shared : shared + sep)) {
      const above = dirname(shared);
      if (above === shared) return '';
      shared = above;
    }
  }
  return shared;
}
