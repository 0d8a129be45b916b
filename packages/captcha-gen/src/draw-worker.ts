/** Runs in a worker thread: makes a style from its recipe and draws what it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { drawIndices } from './draw-indices.js';
import type { DrawAnswer, DrawTask } from './draw-messages.js';
import type { StyleRecipe } from './style.js';
import { makeStyle, type StyleName } from './styles/index.js';

const { style: name, options } = workerData as StyleRecipe;
const style = makeStyle(name as StyleName, options);

parentPort!.on('message', ({ id, seed, indices, describe }: DrawTask) => {
  const drawn = drawIndices(style, seed, indices, describe);
  const answer: DrawAnswer = { id, drawn };
  parentPort!.postMessage(answer, [drawn.data.buffer]);
});
