import { ProjError, type Rng } from '@proj/core';
import { type CaptchaStyle, defineStyle } from '../style.js';
import { type PartOptions, partDrawer, type TextSource } from '../texts.js';
import { type WideLook, type WideParameters, wideDefinition } from './wide.js';

/** What `operators` may hold. */
const operations = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '\u00d7': (a: number, b: number) => a * b,
} as const satisfies Record<string, (a: number, b: number) => number>;

export type Operator = keyof typeof operations;

/** Settings of {@link arithmetic}: plain data, so that they can be sent to a worker. */
export interface ArithmeticOptions extends WideLook, PartOptions {
  /** Any of `+`, `-` and `\u00d7`, all equally likely. Default all. */
  readonly operators?: readonly Operator[] | undefined;
  /** Least and greatest number in a question, whole, 0..9999. Default 0 and 20. */
  readonly operands?: readonly [least: number, greatest: number] | undefined;
}

interface Question {
  readonly text: string;
  readonly answer: number;
}

/**
 * Questions such as `7+12=?` in the manner of {@link wide}; the label is the answer. Where one is subtracted, the greater
 * number stands first, so that no answer is negative. `part` divides the questions, not the answers: no question stands in two
 * parts, while all parts share answers.
 *
 * @throws ProjError `invalid-operators`, `invalid-operands`, and what {@link wide} throws.
 */
export function arithmetic(options: ArithmeticOptions = {}): CaptchaStyle<WideParameters> {
  const { operators, operands, part, shares, ...look } = options;
  const texts = questions({ operators, operands, part, shares });
  return defineStyle({ ...wideDefinition('arithmetic', texts, look), recipe: { style: 'arithmetic', options } });
}

function questions({
  operators = Object.keys(operations) as Operator[],
  operands = [0, 20],
  part,
  shares,
}: Omit<ArithmeticOptions, keyof WideLook>): TextSource {
  checkOperators(operators);
  checkOperands(operands);
  const [least, greatest] = operands;
  const draw = partDrawer(
    (rng) => drawQuestion(rng, operators, least, greatest),
    ({ text }) => text,
    { part, shares },
  );
  const answers = operators.map((operator) => operations[operator](greatest, operator === '-' ? least : greatest));
  const fewest = operators.map((operator) => (operator === '-' ? 0 : operations[operator](least, least)));
  const digits = (value: number) => String(value).length;
  return {
    symbols: [...'0123456789', ...operators, '=', '?'],
    maxSymbols: 2 * digits(greatest) + 3,
    charset: '0123456789',
    minLength: digits(Math.min(...fewest)),
    length: digits(Math.max(...answers)),
    draw(rng) {
      const { text, answer } = draw(rng);
      return { symbols: [...text, '=', '?'], label: String(answer) };
    },
  };
}

function drawQuestion(rng: Rng, operators: readonly Operator[], least: number, greatest: number): Question {
  const operator = rng.pick(operators);
  const drawn = [least + rng.int(greatest - least + 1), least + rng.int(greatest - least + 1)] as const;
  const [a, b] = operator === '-' ? [Math.max(...drawn), Math.min(...drawn)] : drawn;
  return { text: `${a}${operator}${b}`, answer: operations[operator](a, b) };
}

function checkOperators(operators: readonly string[]): void {
  const valid =
    Array.isArray(operators) && operators.length > 0 && operators.every((each) => Object.hasOwn(operations, each));
  if (!valid) {
    throw new ProjError('Cannot ask with these operators', {
      code: 'invalid-operators',
      expected: `at least one of ${Object.keys(operations).join(' ')}`,
      received: JSON.stringify(operators) ?? String(operators),
    });
  }
}

function checkOperands(operands: readonly number[]): void {
  const valid =
    Array.isArray(operands) &&
    operands.length === 2 &&
    operands.every((value) => Number.isInteger(value) && value >= 0 && value <= 9999) &&
    operands[0]! <= operands[1]!;
  if (!valid) {
    throw new ProjError('Cannot ask with these numbers', {
      code: 'invalid-operands',
      expected: 'the least and the greatest, integers of 0..9999',
      received: JSON.stringify(operands) ?? String(operands),
    });
  }
}
