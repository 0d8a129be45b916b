import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { BACKEND } from './kernels/register.js';

/** One recorded kernel call, as tfjs's tape holds it. */
interface TapeNode {
  readonly id: number;
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly outputs: readonly Tensor[];
  readonly saved?: readonly Tensor[];
  readonly gradient?: (dys: readonly (Tensor | null)[]) => Record<string, () => Tensor>;
}

/** What this file needs of tfjs's engine, part of which is declared private. */
interface Engine {
  readonly state: { gradientDepth: number; activeTape: TapeNode[] | null };
  startTape(): void;
  endTape(): void;
  scopedRun<T>(start: () => void, end: () => void, f: () => T): T;
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor, allowNoGradients?: boolean): Gradients;
}

interface Gradients {
  readonly value: Tensor;
  readonly grads: Tensor[];
}

/** How many gradients are being recorded, each inside the one before. */
export function gradientDepth(): number {
  return (tf.engine() as unknown as Engine).state.gradientDepth;
}

/**
 * Makes tfjs's backward pass, while this backend is active, free each tensor after its last use. tfjs itself keeps all
 * saved activations and all intermediate gradients until the whole pass is over. Results are the same; a gradient inside a
 * gradient takes tfjs's own way, because its tape is needed again.
 */
export function releaseGradientsEarly(): void {
  const engine = tf.engine() as unknown as Engine;
  const original = engine.gradients;
  engine.gradients = (f, xs, dy, allowNoGradients = false) => {
    const ours = tf.getBackend() === BACKEND && engine.state.gradientDepth === 0;
    if (!ours) return original.call(engine, f, xs, dy, allowNoGradients);
    try {
      return gradients(engine, f, xs, dy, allowNoGradients);
    } catch (error) {
      // What was saved for the backward pass outlives every tidy. tfjs leaves it behind, which out of memory is the worst.
      for (const { saved } of engine.state.activeTape ?? []) tf.dispose([...(saved ?? [])]);
      engine.state.activeTape = null;
      throw error;
    }
  };
}

function gradients(
  engine: Engine,
  f: () => Tensor,
  xs: Tensor[],
  dy: Tensor | undefined,
  allowNone: boolean,
): Gradients {
  tf.util.assert(xs.length > 0, () => 'gradients() received an empty list of xs.');
  if (dy != null && dy.dtype !== 'float32') throw new Error(`dy must have 'float32' dtype, but has '${dy.dtype}'`);

  const y = engine.scopedRun(
    () => engine.startTape(),
    () => engine.endTape(),
    () => tf.tidy('forward', f),
  );
  tf.util.assert(y instanceof tf.Tensor, () => 'The result y returned by f() must be a tensor.');

  const tape = engine.state.activeTape ?? [];
  const path = between(tape, xs, y);
  if (!allowNone && path.length === 0) {
    throw new Error(
      'Cannot compute gradient of y=f(x) with respect to x. Make sure ' +
        'that the f you passed encloses all operations that lead from x to y.',
    );
  }
  // Only what lies on the path from xs to y is needed any more.
  const needed = new Set(path.map(({ id }) => id));
  for (const node of tape) if (!needed.has(node.id)) tf.dispose([...(node.saved ?? [])]);

  return tf.tidy('backward', () => {
    const slots = new GradientSlots(xs);
    slots.add(y.id, dy ?? tf.ones(y.shape));
    for (const node of path.reverse()) {
      backpropagate(node, slots);
      // A gradient function may have handed on what it had saved.
      tf.dispose((node.saved ?? []).filter((tensor) => !slots.holds(tensor)));
    }
    for (const node of path) tf.dispose([...(node.saved ?? [])]);
    engine.state.activeTape = null;
    return { value: y, grads: xs.map((x) => slots.get(x.id)!) };
  });
}

/** The calls on a way from `xs` to `y`, in their order, with only those inputs that depend on `xs`. */
function between(tape: readonly TapeNode[], xs: readonly Tensor[], y: Tensor): TapeNode[] {
  const fromX = new Set(xs.map(({ id }) => id));
  const forward = tape.filter(({ inputs, outputs }) => {
    const depends = Object.values(inputs).some(({ id }) => fromX.has(id));
    if (depends) for (const { id } of outputs) fromX.add(id);
    return depends;
  });
  const toY = new Set([y.id]);
  const path: TapeNode[] = [];
  for (const node of forward.reverse()) {
    if (!node.outputs.some(({ id }) => toY.has(id))) continue;
    const inputs = Object.entries(node.inputs).filter(([, { id }]) => fromX.has(id));
    for (const [, { id }] of inputs) toY.add(id);
    path.push({ ...node, inputs: Object.fromEntries(inputs) });
  }
  return path.reverse();
}

/** Adds the gradients of a call's inputs, given those of its outputs. */
function backpropagate(node: TapeNode, slots: GradientSlots): void {
  if (node.gradient == null) {
    throw new Error(`Cannot compute gradient: gradient function not found for ${node.kernelName}.`);
  }
  const inputGradients = node.gradient(node.outputs.map((output) => slots.get(output.id) ?? noGradient(output)));
  for (const [name, x] of Object.entries(node.inputs)) {
    const gradient = inputGradients[name];
    if (gradient === undefined) {
      throw new Error(
        `Cannot backprop through input ${name}. Available gradients found: ${Object.keys(inputGradients)}.`,
      );
    }
    const dx = tf.tidy(() => gradient());
    if (dx.dtype !== 'float32') {
      throw new Error(
        `Error in gradient for op ${node.kernelName}. The gradient of input ${name} must have 'float32' dtype, but has '${dx.dtype}'`,
      );
    }
    if (!tf.util.arraysEqual(dx.shape, x.shape)) {
      throw new Error(
        `Error in gradient for op ${node.kernelName}. The gradient of input '${name}' has shape '${dx.shape}', which does not match the shape of the input '${x.shape}'`,
      );
    }
    slots.add(x.id, dx);
  }
  for (const { id } of node.outputs) slots.release(id);
}

/** Of an output that nothing used. For null tfjs makes zeros in JavaScript and uploads them. */
function noGradient({ shape, dtype }: Tensor): Tensor | null {
  return dtype === 'float32' ? tf.fill(shape, 0, dtype) : null;
}

/** The gradient of each tensor so far. One gradient may stand for several tensors: it is freed with its last. */
class GradientSlots {
  private readonly byTensor = new Map<number, Tensor>();
  private readonly uses = new Map<Tensor, number>();
  private readonly wanted: ReadonlySet<number>;
  private readonly newest: number;

  /** To be made when the backward pass begins. Gradients of `xs` are the result and never freed. */
  constructor(xs: readonly Tensor[]) {
    this.wanted = new Set(xs.map(({ id }) => id));
    this.newest = tf.tidy(() => tf.scalar(0).id);
  }

  get(tensorId: number): Tensor | undefined {
    return this.byTensor.get(tensorId);
  }

  holds(gradient: Tensor): boolean {
    return this.uses.has(gradient);
  }

  /** Adds `gradient` to that of a tensor. */
  add(tensorId: number, gradient: Tensor): void {
    const present = this.byTensor.get(tensorId);
    this.put(tensorId, gradient);
    if (present === undefined) return;
    this.put(tensorId, tf.add(present, gradient));
    this.drop(present);
    this.drop(gradient);
  }

  /** The tensor's gradient has been passed on. */
  release(tensorId: number): void {
    const gradient = this.byTensor.get(tensorId);
    if (gradient === undefined || this.wanted.has(tensorId)) return;
    this.byTensor.delete(tensorId);
    this.drop(gradient);
  }

  private put(tensorId: number, gradient: Tensor): void {
    this.byTensor.set(tensorId, gradient);
    this.uses.set(gradient, (this.uses.get(gradient) ?? 0) + 1);
  }

  private drop(gradient: Tensor): void {
    const left = this.uses.get(gradient)! - 1;
    if (left > 0) {
      this.uses.set(gradient, left);
      return;
    }
    this.uses.delete(gradient);
    // What is older than the backward pass belongs to somebody else.
    if (gradient.id > this.newest && !gradient.kept) gradient.dispose();
  }
}
