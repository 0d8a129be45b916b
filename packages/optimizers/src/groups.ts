/** What a group's `match` is asked about. */
export interface VariableInfo {
  /** The name under which the variable's state is kept. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Settings for some of the variables. */
export interface ParameterGroup {
  /** Which variables: a pattern on the name, or a predicate. */
  readonly match: RegExp | ((variable: VariableInfo) => boolean);
  /** Factor on the learning rate (default 1). 0 changes nothing but goes on gathering state. */
  readonly learningRateScale?: number | undefined;
  /** Replaces the optimizer's weight decay. */
  readonly weightDecay?: number | undefined;
}

/** Option shared by all optimizers. */
export interface GroupOptions {
  /** All groups that match a variable apply in order: a later one replaces what an earlier one set. */
  readonly groups?: readonly ParameterGroup[] | undefined;
}

/** The settings that hold for one variable. */
export interface GroupSettings {
  readonly learningRateScale: number;
  readonly weightDecay: number;
}

/**
 * A group that takes weight decay off biases and normalisation layers: every variable of rank 0 or 1 and every one
 * whose last name part is `bias`. timm's `param_groups_weight_decay` has the same rule.
 */
export function noDecayOnBiasAndNorm(): ParameterGroup {
  return { match: ({ name, shape }) => shape.length <= 1 || /(^|\/)bias(_\d+)?$/.test(name), weightDecay: 0 };
}

/** Folds the groups that match `variable` over the optimizer's own weight decay. */
export function settingsFor(
  variable: VariableInfo,
  weightDecay: number,
  groups: readonly ParameterGroup[],
): GroupSettings {
  return groups
    .filter(({ match }) => (typeof match === 'function' ? match(variable) : variable.name.search(match) >= 0))
    .reduce<GroupSettings>(
      (settings, group) => ({
        learningRateScale: group.learningRateScale ?? settings.learningRateScale,
        weightDecay: group.weightDecay ?? settings.weightDecay,
      }),
      { learningRateScale: 1, weightDecay },
    );
}

/** Groups as plain JSON: patterns as their source, predicates by their name. */
export function describeGroups(groups: readonly ParameterGroup[]): readonly Record<string, unknown>[] {
  return groups.map(({ match, ...settings }) => ({
    match: typeof match === 'function' ? match.name || 'predicate' : String(match),
    ...settings,
  }));
}
