// A contestant of augment.ts: @proj/augment on one thread. Arguments: case, file of pictures.
import { readFileSync } from 'node:fs';
import { run } from '@proj/augment';
import { createImage, Rng } from '@proj/core';
import { AUGMENT_CASES } from '../support/augment-cases.js';
import { contest } from '../support/contestant.js';

const [name = '', file = ''] = process.argv.slice(2);
const { transform, side, count } = AUGMENT_CASES[name]!;
const bytes = readFileSync(file);
const size = side * side * 3;
const pictures = Array.from({ length: count }, (_, i) =>
  createImage(side, side, 3, new Uint8ClampedArray(bytes.subarray(i * size, (i + 1) * size))),
);
const rng = new Rng(1);

await contest({
  description: `Node ${process.versions.node}`,
  async run() {
    for (const picture of pictures) run(transform, picture, rng);
  },
});
