import { fallbackCalls, nativeCalls, resetFallbackCalls, resetNativeCalls } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { pictures } from './torch-goldens.ts';

/** Same seed, same weights; another seed, others where they are drawn; and no two tensors from the same stream. */
export function expectSeeded(build: (seed: number) => tf.LayersModel, drawnNames = /kernel$/): void {
  const weightsOf = (seed: number) => {
    const model = build(seed);
    const bytes = (weight: tf.Tensor) => Buffer.from(weight.dataSync<'float32'>().slice().buffer);
    const weights = new Map(model.weights.map((weight) => [weight.originalName, bytes(weight.read())]));
    model.dispose();
    return weights;
  };
  const [first, same, other] = [weightsOf(7), weightsOf(7), weightsOf(8)];
  for (const [name, value] of first) expect(same.get(name)!.equals(value), name).toBe(true);
  const drawn = [...first].filter(([name]) => drawnNames.test(name));
  for (const [name, value] of drawn) expect(other.get(name)!.equals(value), name).toBe(false);
  expect(new Set(drawn.map(([, value]) => value.readFloatLE(0))).size).toBe(drawn.length);
}

/** Saved and loaded by TensorFlow.js alone, a model gives the same logits, in training mode too; `check` sees the loaded one. */
export async function expectReloads(model: tf.LayersModel, check: (loaded: tf.LayersModel) => void): Promise<void> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  tf.tidy(() => {
    const x = pictures([2, ...(model.inputs[0]!.shape.slice(1) as number[])]);
    const logits = (each: tf.LayersModel, training: boolean) => (each.apply(x, { training }) as tf.Tensor).dataSync();
    expect(logits(loaded, false)).toEqual(logits(model, false));
    for (const each of [model, loaded]) seedDropout(each, 5);
    expect(logits(loaded, true)).toEqual(logits(model, true));
  });
  check(loaded);
  loaded.dispose();
}

/** A step against the gradient of the loss with dropout masks held lowers it as far as the gradient says. */
export function expectDescent(model: tf.LayersModel, x: tf.Tensor, loss: (output: tf.Tensor) => tf.Scalar): void {
  seedDropout(model, 5);
  tf.tidy(() => {
    const value = () => loss(model.apply(x, { training: true }) as tf.Tensor);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { value: before, grads } = tf.variableGrads(value, variables);
    expect(Object.keys(grads)).toHaveLength(variables.length);
    const squares = Object.values(grads).reduce((sum, grad) => sum + grad.square().sum().dataSync()[0]!, 0);
    const expectedDrop = 0.01;
    for (const variable of variables) variable.assign(variable.sub(grads[variable.name]!.mul(expectedDrop / squares)));
    const drop = before.dataSync()[0]! - value().dataSync()[0]!;
    expect(drop).toBeGreaterThan(0.7 * expectedDrop);
    expect(drop).toBeLessThan(1.3 * expectedDrop);
  });
}

/** On the native backend nothing of a training step and of a prediction goes to the plain JS fallback. */
export function expectAllNative(model: tf.LayersModel): void {
  resetFallbackCalls();
  resetNativeCalls();
  tf.tidy(() => {
    const x = pictures([2, ...(model.inputs[0]!.shape.slice(1) as number[])]);
    const optimizer = tf.train.sgd(1e-4);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const loss = () => (model.apply(x, { training: true }) as tf.Tensor).logSoftmax().square().mean() as tf.Scalar;
    optimizer.minimize(loss, false, variables);
    (model.predict(x) as tf.Tensor).argMax(-1).dataSync();
    optimizer.dispose();
  });
  expect(fallbackCalls()).toEqual({});
  expect(nativeCalls()).toMatchObject({ Conv2DBackpropFilter: expect.any(Number) });
}

/** Makes every dropout layer repeat one mask. */
export function seedDropout(model: tf.LayersModel, seed: number): void {
  for (const layer of model.layers) if (layer.getClassName() === 'Dropout') Object.assign(layer, { seed });
}
