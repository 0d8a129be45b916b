import { isProjError, ProjError } from '@proj/core';

/** An error as `postMessage` can carry it; structured cloning would drop the fields of a {@link ProjError}. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly fix: string | undefined;
  readonly cause: PackedError | undefined;
}

/** @param above the errors of which this one is the cause; an error may be its own. */
export function packError(error: unknown, above: readonly unknown[] = []): PackedError {
  const { name, message, stack, cause } = error instanceof Error ? error : new Error(String(error));
  const { code, expected, received, fix } = isProjError(error) ? error : ({} as Partial<ProjError>);
  const isLoop = cause === error || above.includes(cause);
  return {
    name,
    message,
    stack,
    code,
    expected,
    received,
    fix,
    cause: cause === undefined || isLoop ? undefined : packError(cause, [...above, error]),
  };
}

/** The same error in another thread, with the stack of where it was thrown. */
export function unpackError({ name, message, stack, code, expected, received, fix, cause }: PackedError): Error {
  const options = cause === undefined ? undefined : { cause: unpackError(cause) };
  const error =
    code === undefined
      ? Object.assign(new Error(message, options), { name })
      : // The message has its facts already, so they are not passed to the constructor, which would add them again.
        Object.assign(new ProjError(message, { code, ...options }), { expected, received, fix });
  return stack === undefined ? error : Object.assign(error, { stack });
}
