import { ProjError } from '@proj/core';
import { join, scale, warmup } from './compose.js';
import { cosineWarmRestarts, cyclic, oneCycle } from './cycles.js';
import { constant, cosine, exponential, linear, multiStep, polynomial, step } from './decays.js';
import { invalidOption } from './options.js';
import type { Schedule, ScheduleJson } from './schedule.js';

type Type = ScheduleJson['type'];
type Makers = { readonly [T in Type]: (json: Extract<ScheduleJson, { type: T }>) => Schedule };

const makers: Makers = {
  constant,
  linear,
  cosine,
  polynomial,
  step,
  multiStep,
  exponential,
  cosineWarmRestarts,
  cyclic,
  oneCycle,
  warmup: (json) => warmup(json.schedule === undefined ? json : { ...json, schedule: fromJSON(json.schedule) }),
  join: ({ parts }) => {
    if (!Array.isArray(parts)) throw invalidOption('join', 'parts', 'a list', parts);
    return join(
      parts.map((part, k) => {
        checkKeys(`join, part ${k}`, part ?? {}, ['schedule', 'steps']);
        return { ...part, schedule: fromJSON(part?.schedule) };
      }),
    );
  },
  scale: ({ schedule, factor }) => scale(fromJSON(schedule), factor),
};

/**
 * The schedule that a description stands for: what `toJSON` gave, or one written by hand, where options with a default
 * may be left out. `fromJSON(schedule.toJSON())` has the same values as `schedule` everywhere.
 *
 * @throws ProjError `unknown-schedule` for a type this version does not know, `unknown-option` for an option it does not
 *   know (ignoring it would give other values), `invalid-option` as the schedule's own function does.
 */
export function fromJSON(json: ScheduleJson): Schedule {
  const type: unknown = (json as ScheduleJson | null | undefined)?.type;
  if (typeof type !== 'string' || !Object.hasOwn(makers, type)) {
    throw new ProjError('Cannot read a schedule from JSON', {
      code: 'unknown-schedule',
      expected: `an object whose type is one of ${Object.keys(makers).join(', ')}`,
      received: JSON.stringify(json) ?? String(json),
    });
  }
  const schedule = makers[type as Type](json as never);
  checkKeys(type, json, Object.keys(schedule.toJSON()));
  return schedule;
}

function checkKeys(owner: string, given: object, known: readonly string[]): void {
  const unknown = Object.entries(given).find(([key, value]) => value !== undefined && !known.includes(key))?.[0];
  if (unknown === undefined) return;
  throw new ProjError(`${owner}: unknown option ${unknown}`, {
    code: 'unknown-option',
    expected: `no other options than ${known.filter((key) => key !== 'type').join(', ')}`,
    received: unknown,
    fix: 'Correct the name, or read the description with the version that wrote it',
  });
}
