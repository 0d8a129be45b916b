/** Runs in a worker thread: makes a style from its recipe and draws what it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawIndices } from './draw-indices.js';
import type { DrawAnswer, DrawTask } from './draw-messages.js';
import type { CaptchaStyle, StyleRecipe } from './style.js';
import { makeStyle, type StyleName } from './styles/index.js';

const style = await styleOf(workerData as StyleRecipe);

parentPort!.on('message', ({ id, seed, indices, asFiles }: DrawTask) => {
  const drawn = drawIndices(style, seed, indices, asFiles);
  const answer: DrawAnswer = { id, drawn };
  parentPort!.postMessage(answer, [drawn.data.buffer, ...drawn.files.map(({ bytes }) => bytes.buffer)]);
});

async function styleOf(recipe: StyleRecipe): Promise<CaptchaStyle> {
  if ('style' in recipe) return makeStyle(recipe.style as StyleName, recipe.options);
  const exports = (await import(recipe.module)) as Record<string, unknown>;
  const make = exports[recipe.export];
  if (typeof make !== 'function') throw new Error(`${recipe.module} exports no function ${recipe.export}`);
  return make(recipe.options);
}
