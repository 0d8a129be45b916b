// What the README says of the quickstart is what the report that it shows says.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('tells the figures of the report in docs/quickstart', () => {
  const { machine, settings, seconds, final } = JSON.parse(read('docs/quickstart/report.json'));
  const sentence = `On ${machine.cores} cores of an ${machine.cpu} the model read ${(100 * final.exactMatch).toFixed(2)}% of its \
${settings.unseenPictures.toLocaleString('en')} unseen captchas exactly, after ${(seconds / 60).toFixed(1)} minutes`;
  expect(read('README.md').replaceAll(/\s+/g, ' ')).toContain(sentence.replaceAll(/\s+/g, ' '));
});
