import type { Batch } from '@proj/core';
import type { EndReason } from './events.js';

/** What may end a run from outside, watched in one place. */
export interface StopWatch {
  /** Set as soon as a stop was asked for. */
  readonly request: { readonly reason: EndReason; readonly signal?: string } | undefined;
  /** Aborts at the same moment. */
  readonly abortSignal: AbortSignal;
  /** What `promise` gives, or undefined when a stop comes first. One call at a time. */
  race<T>(promise: Promise<T>): Promise<T | undefined>;
  /** Removes all handlers. */
  dispose(): void;
}

/** Ends the iteration; does not wait for a loader that hangs in the middle of a batch. */
export async function closeBatches(batches: AsyncIterator<Batch>, isWaiting: boolean): Promise<void> {
  const closed = batches.return?.();
  if (isWaiting) closed?.catch(() => undefined);
  else await closed;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Watches `signal` and, where asked to, SIGINT and SIGTERM. After the first process signal the handlers are gone, so a
 * second one ends the process at once as it always does.
 */
export function watchStop(signal: AbortSignal | undefined, handleSignals: boolean): StopWatch {
  let request: StopWatch['request'];
  // One slot instead of Promise.race with one long-lived promise, which would gather a reaction for every step.
  let giveUp: (() => void) | undefined;
  const controller = new AbortController();
  const stop = (what: NonNullable<typeof request>) => {
    request ??= what;
    controller.abort();
    giveUp?.();
  };
  const onAbort = () => stop({ reason: 'aborted' });
  const onSignal = (name: string) => {
    stop({ reason: 'signal', signal: name });
    dispose();
  };
  const dispose = () => {
    signal?.removeEventListener('abort', onAbort);
    for (const name of SIGNALS) process.removeListener(name, onSignal);
  };

  if (handleSignals) for (const name of SIGNALS) process.on(name, onSignal);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort);
  return {
    get request() {
      return request;
    },
    abortSignal: controller.signal,
    race: (promise) =>
      new Promise((resolve, reject) => {
        giveUp = () => resolve(undefined);
        promise.then(resolve, reject);
        if (request !== undefined) giveUp();
      }),
    dispose,
  };
}
