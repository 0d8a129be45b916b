/**
 * Labels and SHA-256 of the RGB bytes of some pictures of all styles: styles.json beside this file. They guard against change
 * from one version to the next; run only when pictures change on purpose:
 *     npx tsx test/goldens/make_styles.ts
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { makeStyle, type StyleName } from '../../src/styles/index.js';

const cases: [StyleName, Record<string, unknown>, seed: number, index: number][] = [
  ['afocus', { length: [2, 5] }, 1, 0],
  ['afocus', { length: [2, 5], part: 'test' }, 1, 1],
  ['imageCaptcha', {}, 1, 0],
  ['imageCaptcha', { length: [1, 8], fonts: ['Oswald', 'Chewy'] }, 2, 7],
  ['imageCaptcha', { width: 90, height: 40, fontSizes: [30], frontColors: ['#336699'] }, -3, 1e9],
  ['wide', {}, 1, 0],
  ['wide', { normalized: true, part: 'validation' }, 1, 0],
  [
    'wide',
    { length: 3, charset: '0123456789', width: 120, height: 48, noise: 0, dots: 5, lines: 6, maxAngle: 45 },
    4,
    4,
  ],
  ['arithmetic', {}, 1, 0],
  ['arithmetic', { operators: ['-'], operands: [10, 500], width: 260 }, 1, 3],
];

const goldens = cases.map(([style, options, seed, index]) => {
  const { image, label } = makeStyle(style, options).generate(seed, index);
  return { style, options, seed, index, label, hash: createHash('sha256').update(image.data).digest('hex') };
});
const lines = goldens.map((golden) => `  ${JSON.stringify(golden)}`).join(',\n');
writeFileSync(new URL('./styles.json', import.meta.url), `[\n${lines}\n]\n`);
