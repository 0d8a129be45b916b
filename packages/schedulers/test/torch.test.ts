import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromJSON, type PlateauOptions, plateau, type ScheduleJson } from '../src/index.js';

interface PlateauCase {
  readonly name: string;
  readonly options: PlateauOptions;
  readonly metrics: readonly (number | string)[];
  readonly values: readonly number[];
  readonly reductions: number;
}

interface ScheduleCase {
  readonly name: string;
  readonly schedule: ScheduleJson;
  readonly positions: readonly number[];
  readonly values: readonly number[];
}

const goldens: {
  readonly schedules: readonly ScheduleCase[];
  readonly late_restart: ScheduleCase;
  readonly plateaus: readonly PlateauCase[];
  readonly trap: PlateauCase;
} = JSON.parse(readFileSync(new URL('./goldens/torch.json', import.meta.url), 'utf8'));

/** torch multiplies its last value again and again where we take the closed form: a few units in the last place a step. */
const tolerance = 1e-13;

describe('schedules have the values of torch.optim.lr_scheduler over whole runs', () => {
  it.each(goldens.schedules)('$name', ({ schedule: json, positions, values }) => {
    const schedule = fromJSON(json);
    const largest = Math.max(...values.map(Math.abs));
    positions.forEach((position, i) => {
      const difference = Math.abs(schedule(position) - values[i]!);
      expect(difference, `at ${position}`).toBeLessThanOrEqual(tolerance * largest);
    });
  });

  it('but a restart comes on its position, where torch takes a logarithm and comes one late', () => {
    const { schedule: json, positions, values } = goldens.late_restart;
    expect(positions[1]).toBe(2 + 6 + 18 + 54 + 162);
    expect(values[1]).toBe(0);
    const ours = positions.map((p) => fromJSON(json)(p));
    expect(ours[0]).toBeCloseTo(values[0]!, 15);
    expect(ours[1]).toBe(0.1);
    expect(ours[2]).toBeCloseTo(values[2]!, 15);
  });
});

describe('plateau reduces when torch.optim.lr_scheduler.ReduceLROnPlateau does', () => {
  it.each(goldens.plateaus)('$name', ({ options, metrics, values, reductions }) => {
    const rate = plateau(options);
    const changes = metrics.map((metric, i) => {
      const change = rate.observe(Number(metric));
      expect(change.to, `after observation ${i}`).toBe(values[i]);
      expect(rate.value).toBe(values[i]);
      expect(change.reduced).toBe(change.to < change.from);
      return change;
    });
    expect(changes.filter((change) => change.reduced)).toHaveLength(reductions);
    expect(reductions).toBeGreaterThan(0);
  });

  it('but not with a negative metric and a relative threshold, where torch takes a worse metric for a better one', () => {
    const { options, metrics, values } = goldens.trap;
    expect(new Set(values)).toEqual(new Set([0.1]));
    const rate = plateau(options);
    const reducedAt = metrics.flatMap((metric, i) => (rate.observe(Number(metric)).reduced ? [i] : []));
    expect(reducedAt.slice(0, 3)).toEqual([4, 8, 12]);
  });
});
