import { checkNumbers, checkSchedule, invalidOption } from './options.js';
import { interpolate, type JoinPart, makeSchedule, type Schedule, type WarmupOptions } from './schedule.js';

/**
 * A linear warm-up from `from` over `steps`, then `schedule` from its own position 0, or the constant `to`. The warm-up
 * climbs towards `schedule(0)`, so there is no jump. optax: `warmup_constant_schedule`, and
 * `warmup_cosine_decay_schedule` with `decay_steps = steps + cosine's steps`. torch: `SequentialLR` of a `LinearLR`.
 * timm: `warmup_prefix=True`. With `from` 0, as in optax, the very first step changes nothing.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = warmup({ steps: 100, schedule: cosine({ from: 0.1, to: 0, steps: 900 }) });
 * rate(0); // 0
 * rate(50); // 0.05
 * rate(100); // 0.1
 * rate(550); // 0.05
 * rate(1000); // 0
 */
export function warmup({ steps, from = 0, to, schedule }: WarmupOptions): Schedule {
  checkNumbers('warmup', { steps, from }, { steps: 'notNegative', from: 'finite' });
  if (schedule === undefined) {
    checkNumbers('warmup', { to }, { to: 'finite' });
    const target = to as number;
    return makeSchedule({ type: 'warmup', steps, from, to: target }, (p) =>
      p < steps ? interpolate(from, target, p / steps) : target,
    );
  }
  checkSchedule('warmup', 'schedule', schedule);
  if (to !== undefined) throw invalidOption('warmup', 'to', 'left out where a schedule is given', to);
  const target = schedule(0);
  return makeSchedule({ type: 'warmup', steps, from, schedule: schedule.toJSON() }, (p) =>
    p < steps ? interpolate(from, target, p / steps) : schedule(p - steps),
  );
}

/**
 * Schedules one after the other. Part k holds on `start_k <= p < start_k + steps_k` and sees `p - start_k`; after the
 * end the last schedule's value at its `steps` holds, and goes on without end where `steps` is left out. optax:
 * `join_schedules` with the boundaries `start_k`. torch: `SequentialLR`, without its trouble after a resume: the value
 * depends on nothing but the position.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = join([
 *   { schedule: linear({ from: 0, to: 0.1, steps: 500 }), steps: 500 },
 *   { schedule: cosine({ from: 0.1, to: 0, steps: 9500 }), steps: 9500 },
 * ]);
 * rate(0); // 0
 * rate(499); // 0.0998
 * rate(500); // 0.1
 * rate(5250); // 0.05
 * rate(10000); // 0
 */
export function join(parts: readonly JoinPart[]): Schedule {
  if (!Array.isArray(parts) || parts.length === 0) {
    throw invalidOption('join', 'parts', 'a list of at least one { schedule, steps }', parts);
  }
  let end = 0;
  const spans = parts.map(({ schedule, steps }: JoinPart, k) => {
    checkSchedule('join', `parts[${k}].schedule`, schedule);
    const isOpen = steps === undefined && k === parts.length - 1;
    if (!isOpen) checkNumbers(`join, part ${k}`, { steps }, { steps: 'notNegative' });
    const start = end;
    end += steps ?? Number.POSITIVE_INFINITY;
    return { schedule, start, end };
  });
  const last = spans.at(-1)!;
  return makeSchedule(
    {
      type: 'join',
      parts: parts.map(({ schedule, steps }: JoinPart) => ({
        schedule: schedule.toJSON(),
        ...(steps === undefined ? {} : { steps }),
      })),
    },
    (p) => {
      const span = spans.find((candidate) => p < candidate.end) ?? last;
      return span.schedule(Math.min(p, span.end) - span.start);
    },
  );
}

/**
 * `factor` times another schedule, e.g. for a parameter group with a lower rate.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = scale(linear({ from: 0.1, to: 0, steps: 10 }), 0.5);
 * rate(0); // 0.05
 * rate(5); // 0.025
 * rate(10); // 0
 */
export function scale(schedule: Schedule, factor: number): Schedule {
  checkSchedule('scale', 'schedule', schedule);
  checkNumbers('scale', { factor }, { factor: 'finite' });
  return makeSchedule({ type: 'scale', schedule: schedule.toJSON(), factor }, (p) => factor * schedule(p));
}
