/** Checked by `tsc`, not run. */
import { expectTypeOf } from 'vitest';
import {
  cosine,
  fromJSON,
  join,
  oneCycle,
  type PlateauState,
  plateau,
  type Schedule,
  type ScheduleJson,
  scale,
  warmup,
} from '../src/index.js';

const schedule = cosine({ from: 0.1, to: 0, steps: 10 });

// A schedule is what a trainer takes: a function of a number.
expectTypeOf(schedule).toEqualTypeOf<Schedule>();
expectTypeOf(schedule).toExtend<(position: number) => number>();
expectTypeOf(schedule.toJSON()).toEqualTypeOf<ScheduleJson>();
expectTypeOf(fromJSON).parameter(0).toEqualTypeOf<ScheduleJson>();

// Options may come as undefined.
oneCycle({ peak: 1, steps: 10, from: undefined, phases: 3 });
warmup({ steps: 5, to: 1, from: undefined });
join([
  { schedule, steps: 5 },
  { schedule, steps: undefined },
]);

// A description is checked against its kind.
fromJSON({ type: 'join', parts: [{ schedule: { type: 'linear', from: 0, to: 1, steps: 5 }, steps: 5 }] });
// @ts-expect-error `stepSize` is no option of cosine
fromJSON({ type: 'cosine', from: 0.1, to: 0, stepSize: 10 });
// @ts-expect-error there is no such kind
fromJSON({ type: 'sine', from: 0.1, to: 0, steps: 10 });

// @ts-expect-error `to` is missing
cosine({ from: 0.1, steps: 10 });
// @ts-expect-error neither `to` nor `schedule`
warmup({ steps: 5 });
// @ts-expect-error both `to` and `schedule`
warmup({ steps: 5, to: 1, schedule });
// @ts-expect-error a bare function cannot be written as JSON
scale((position: number) => position, 2);
// @ts-expect-error two or three
oneCycle({ peak: 1, steps: 10, phases: 4 });

const rate = plateau({ initial: 0.1 });
expectTypeOf(rate.toJSON()).toEqualTypeOf<PlateauState>();
expectTypeOf(rate.options.patience).toEqualTypeOf<number>();
expectTypeOf(rate.observe(1).reduced).toEqualTypeOf<boolean>();
// @ts-expect-error the value changes by observing only
rate.value = 1;
