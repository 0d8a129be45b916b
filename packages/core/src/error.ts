/** What a {@link ProjError} carries beside its message. */
export interface ProjErrorFields {
  /** Stable identifier for programs, e.g. `unknown-character`. Kebab case. */
  readonly code: string;
  /** What must hold. */
  readonly expected?: string;
  /** What came instead. */
  readonly received?: string;
  /** The likely mend, as an instruction. */
  readonly fix?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The one error class of the `@proj` packages. The message names what failed, what was expected, what came and how to
 * mend it; the same facts stand in fields for programs. Test for it with {@link isProjError}, which also recognises an
 * error made by another installed copy of this package.
 */
export class ProjError extends Error {
  override readonly name = 'ProjError';
  readonly code: string;
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly fix: string | undefined;

  constructor(summary: string, { code, expected, received, fix, cause }: ProjErrorFields) {
    const facts = [
      summary,
      expected === undefined ? undefined : `Expected ${expected}`,
      received === undefined ? undefined : `Received ${received}`,
      fix,
    ];
    super(
      facts
        .filter((fact) => fact !== undefined)
        .map((fact) => (/[.!?]$/.test(fact) ? fact : `${fact}.`))
        .join(' '),
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.expected = expected;
    this.received = received;
    this.fix = fix;
  }
}

/** Whether `error` is a {@link ProjError}, and has `code` where one is given. */
export function isProjError(error: unknown, code?: string): error is ProjError {
  return (
    error instanceof Error &&
    error.name === 'ProjError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  );
}
