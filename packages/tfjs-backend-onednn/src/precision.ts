import { ProjError } from '@proj/core';

/** In what products of matrices and convolutions compute and activations are stored. */
export type Precision = 'float32' | 'bfloat16';

const PRECISIONS: readonly Precision[] = ['float32', 'bfloat16'];

let current: Precision = 'float32';

/** What {@link setPrecision}, or the {@link autocast} under way, says. */
export function getPrecision(): Precision {
  return current;
}

/**
 * Sets the precision of all that follows; `float32` at the start. `bfloat16` has 8 bits of mantissa and the range of
 * float32. As in PyTorch's autocast, variables, their gradients from convolutions, optimizer state, reductions, losses and
 * the statistics of batch normalisation stay float32, and so does the recurrence of an LSTM; products take and give
 * bfloat16, and what follows them (normalisation, ReLU, sums, pooling, copies) keeps what it is given. The tfjs dtype of
 * all is `float32`, and a read gives a Float32Array. On a machine without instructions for bfloat16 products these compute
 * in float32 and round.
 *
 * @throws ProjError `invalid-option`
 */
export function setPrecision(precision: Precision): void {
  if (!PRECISIONS.includes(precision)) {
    throw new ProjError('No such precision', {
      code: 'invalid-option',
      expected: PRECISIONS.join(' or '),
      received: String(precision),
    });
  }
  current = precision;
}

/**
 * Runs `f` in a precision, see {@link setPrecision}. A training step belongs in it as a whole, gradients included:
 * `autocast('bfloat16', () => optimizer.minimize(loss))`.
 *
 * @param f synchronous: what runs after an `await` would be outside.
 * @throws ProjError `invalid-option` for an unknown precision, or when `f` returns a promise.
 */
export function autocast<T>(precision: Precision, f: () => T): T {
  const before = current;
  setPrecision(precision);
  try {
    const result = f();
    if (!(result instanceof Promise)) return result;
    throw new ProjError('autocast runs synchronous functions only', {
      code: 'invalid-option',
      received: 'a function that returns a promise',
      fix: 'Put the parts between the awaits into autocast, or call setPrecision.',
    });
  } finally {
    current = before;
  }
}

/** An input as a rule sees it. */
export interface RuleInput {
  readonly bfloat16: boolean;
  readonly size: number;
}

/** Whether the outputs of an operation are stored in bfloat16; `size` is that of the first. */
type Rule = (inputs: readonly (RuleInput | undefined)[], size: number) => boolean;

const first: Rule = ([x]) => x!.bfloat16;
const some: Rule = (inputs) => inputs.some((input) => input?.bfloat16);
const every: Rule = (inputs) => inputs.every((input) => input!.bfloat16);
const product: Rule = (inputs) => current === 'bfloat16' || some(inputs, 0);
/** Inputs that spread over the output, such as scales of channels, have no say. */
const elementwise: Rule = (inputs, size) =>
  some(inputs, size) && inputs.every((input) => input!.bfloat16 || input!.size < size);

/** As the product of a map and a scale, and its sum with the shift repeated to its size, each by its own rule. */
const sumWithSpread: Rule = ([map, , shift]) => map!.bfloat16 && shift!.bfloat16;

const RULES: Readonly<Record<string, Rule>> = {
  conv2d: product,
  conv2d_norm: (inputs) => product(inputs.slice(0, 2), 0),
  conv2d_backward_data: product,
  matmul: product,
  batch_norm: first,
  batch_norm_grad: (inputs) => some(inputs.slice(0, 3), 0),
  batch_norm_silu_grad: (inputs) => some(inputs.slice(0, 2), 0),
  relu: first,
  relu_grad: some,
  sigmoid: first,
  silu: first,
  silu_grad: some,
  add: elementwise,
  subtract: elementwise,
  multiply: elementwise,
  scale_shift: sumWithSpread,
  max_pool: first,
  avg_pool: first,
  max_pool_grad: some,
  avg_pool_grad: first,
  copy_strided: first,
  pad: first,
  concat: every,
  split: first,
};

/** Operations whose first output only follows the rule; the others are gradients of variables. */
const FIRST_OUTPUT_ONLY = new Set(['batch_norm_grad']);

/** How many of an operation's float32 outputs, from the first on, are stored in bfloat16. */
export function bfloat16Outputs(op: string, inputs: readonly (RuleInput | undefined)[], size: number): number {
  if (!RULES[op]?.(inputs, size)) return 0;
  return FIRST_OUTPUT_ONLY.has(op) ? 1 : Number.POSITIVE_INFINITY;
}
