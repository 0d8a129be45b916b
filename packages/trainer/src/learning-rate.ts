/** A pure function from a position in the run to the learning rate, as `@proj/schedulers` makes them. */
export type Schedule = (position: number) => number;

/** A schedule with a memory: goes by what validation measures, as `plateau` of `@proj/schedulers` does. */
export interface ObservingSchedule {
  /** The learning rate now. */
  readonly value: number;
  /** Takes the monitored figure. A `reason` in what it returns is told in the event of a change. */
  observe(metric: number): unknown;
}

/** What a pure schedule is a function of: the step, the epoch (both from 0), or the share of the run that is done. */
export type ScheduleBy = 'step' | 'epoch' | 'progress';

/** Where a step stands, in all three senses. */
export interface Position {
  readonly step: number;
  readonly epoch: number;
  readonly progress: number;
}

export function learningRateAt(schedule: Schedule | ObservingSchedule, by: ScheduleBy, position: Position): number {
  return typeof schedule === 'function' ? schedule(position[by]) : schedule.value;
}

/** Lets a schedule observe a figure; tells the change where there was one. */
export function observe(
  schedule: ObservingSchedule,
  metric: number,
): { readonly from: number; readonly to: number; readonly reason: string } | undefined {
  const from = schedule.value;
  const told = schedule.observe(metric);
  const to = schedule.value;
  if (to === from) return undefined;
  const reason = typeof told === 'object' && told !== null && 'reason' in told ? String(told.reason) : 'observed';
  return { from, to, reason };
}
