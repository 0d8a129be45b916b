import { beforeAll, expect, it } from 'vitest';
import { type Bundle, bundleForBrowsers, describeInChromium } from '../../../browser.base.ts';
import { fromJSON, seeded, type TransformJson } from '../src/index.js';
import { drawing } from './drawing.js';
import { samples } from './samples.js';

const SEED = 3;
const pictures = [drawing(37, 24), drawing(20, 33, 4), drawing(16, 17, 1)];

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleForBrowsers(import.meta.url, 'augment');
}, 60_000);

it('the bundle for browsers has nothing that only Node has', () => {
  expect(bundle.inputs.some((path) => path.endsWith('build/kernels.ts'))).toBe(true);
  expect(bundle.inputs.filter((path) => /sharp|citty|expand|picture-file|cli|node\.ts/.test(path))).toEqual([]);
  expect(bundle.external).toEqual([]);
});

interface Made {
  /** What the transform draws. */
  readonly drawn: unknown;
  /** What it makes of the picture with the parameters that Node drew. */
  readonly data: readonly number[];
}

/** What Node makes of the pictures, and the same as a task for the page. */
function madeHere(json: TransformJson): { made: Made[]; task: string } {
  const draw = seeded(fromJSON(json), SEED);
  const drawings = pictures.map((picture, i) => ({ picture, ...draw(picture, i) }));
  const sent = drawings.map(({ picture, params }) => ({ ...picture, data: Array.from(picture.data), params }));
  return {
    made: drawings.map(({ image, params }) => ({ drawn: params, data: Array.from(image.data) })),
    task: JSON.stringify({ json, pictures: sent }),
  };
}

/** A function of the page or of its worker. */
const makeThere = `({ json, pictures }) => {
  const transform = augment.fromJSON(json);
  const draw = augment.seeded(transform, ${SEED});
  return pictures.map(({ params, ...picture }, i) => {
    const image = { ...picture, data: Uint8ClampedArray.from(picture.data) };
    return { drawn: draw(image, i).params, data: Array.from(transform.apply(image, params).data) };
  });
}`;

function expectMade(there: unknown, here: readonly Made[], name: string): void {
  // Engines' logarithms and powers, by which some numbers are drawn, may differ in the last bit.
  const shortened = ({ drawn }: Made) =>
    JSON.parse(JSON.stringify(drawn), (_, value) => (typeof value === 'number' ? value.toPrecision(12) : value));
  const made = there as readonly Made[];
  expect(made.map(shortened), name).toEqual(here.map(shortened));
  expect(
    made.map(({ data }) => data.join()),
    name,
  ).toEqual(here.map(({ data }) => data.join()));
}

describeInChromium((newPage) => {
  async function pageWithBundle(content = '<!doctype html>') {
    const page = await newPage();
    await page.setContent(content);
    await page.addScriptTag({ content: `${bundle.code}\nvar makeThere = ${makeThere};` });
    return page;
  }

  it('every transform makes the very values that Node makes', { timeout: 60_000 }, async () => {
    const page = await pageWithBundle();
    for (const json of samples) {
      const { task, made } = madeHere(json);
      expectMade(await page.evaluate(`makeThere(${task})`), made, json.name);
    }
  });

  it('so it does in a worker', { timeout: 60_000 }, async () => {
    const page = await pageWithBundle();
    const script = `${bundle.code}\nonmessage = ({ data }) => postMessage((${makeThere})(data));`;
    const some = samples.filter(({ name }) => /^(resize|colorJitter|randomRotation|normalize)$/.test(name));
    const { task, made } = madeHere({ name: 'compose', transforms: some });
    const there = await page.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(script)}])));
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(${task});
    })`);
    expectMade(there, made, 'compose');
  });

  it('says what a Content-Security-Policy must allow', async () => {
    const { task } = madeHere({ name: 'randomInvert', p: 1 });
    const outcome = async (sources: string) => {
      const policy = `<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline' ${sources}">`;
      const page = await pageWithBundle(policy);
      return page.evaluate(`(() => {
        try {
          return makeThere(${task}).length;
        } catch (error) {
          return error.code + ': ' + error.message;
        }
      })()`);
    };
    expect(await outcome("'wasm-unsafe-eval'")).toBe(pictures.length);
    expect(await outcome('')).toMatch(/^no-webassembly: .*wasm-unsafe-eval/s);
  });
});
