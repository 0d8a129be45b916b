/**
 * Labels and SHA-256 of the RGB bytes of some afocus pictures: afocus.json beside this file. They guard against change
 * from one version to the next; run only when pictures change on purpose:
 *     npx tsx test/goldens/make_afocus.ts
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AfocusOptions, afocus } from '../../src/index.js';

const large: AfocusOptions = {
  width: 200,
  height: 80,
  length: 6,
  charset: '0123456789',
  frontColors: ['#000000', '#3366cc80'],
  backgroundColors: ['#ffffff'],
};

const cases: [AfocusOptions, seed: number, index: number][] = [
  [{}, 1, 0],
  [{}, 1, 1],
  [{}, 2, 0],
  [{}, -7, 123456],
  [{ disturbance: 'HIGH' }, 1, 0],
  [large, 5, 9],
  [{ height: 40, width: 100, disturbance: 'NORMAL' }, 5, 9],
  [{ part: 'test' }, 5, 9],
];

const goldens = cases.map(([options, seed, index]) => {
  const { image, label } = afocus(options).generate(seed, index);
  return { options, seed, index, label, hash: createHash('sha256').update(image.data).digest('hex') };
});
const lines = goldens.map((golden) => `  ${JSON.stringify(golden)}`).join(',\n');
writeFileSync(new URL('./afocus.json', import.meta.url), `[\n${lines}\n]\n`);
