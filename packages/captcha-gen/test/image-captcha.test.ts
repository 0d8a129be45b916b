import { Rng } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { charsets, imageCaptcha } from '../src/index.js';
import { type ImageCaptchaScene, imageCaptchaDefinition } from '../src/styles/image-captcha.js';
import { meanOf, momentsOf } from './measures.js';
import { readGolden, unpack } from './packed.js';

type Summary = Record<string, [mean: number, deviation: number]>;

const goldens = readGolden<{
  text: Summary;
  whole: Summary;
  pictures: { label: string; scene: ImageCaptchaScene; data: string }[];
}>('image-captcha.json');

const [WIDTH, HEIGHT] = [160, 60];
const definition = imageCaptchaDefinition({});

function draw(scene: ImageCaptchaScene): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  definition.draw(scene, { data, offset: 0, width: WIDTH, height: HEIGHT });
  return data;
}

/** As `figures` in goldens/make_image_captcha.py. */
function figuresOf(pixels: Uint8Array, [r, g, b]: ImageCaptchaScene['background']): Record<string, number> {
  const box = { left: WIDTH, right: 0, top: HEIGHT, bottom: 0 };
  let [marked, sum, darkest] = [0, 0, 255];
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [red, green, blue] = [pixels[3 * i]!, pixels[3 * i + 1]!, pixels[3 * i + 2]!];
    darkest = Math.min(darkest, red, green, blue);
    const distance = Math.max(Math.abs(red - r), Math.abs(green - g), Math.abs(blue - b));
    sum += distance;
    if (distance <= 24) continue;
    marked++;
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  const size = WIDTH * HEIGHT;
  return { marked: marked / size, distance: sum / size, ...box, background: (r + g + b) / 3, darkest };
}

describe('imageCaptcha against the Python library', () => {
  it.each(goldens.pictures)('draws its $label again from the numbers it drew', ({ scene, data }) => {
    const expected = unpack(data);
    const drawn = draw(scene);
    // All stages are Pillow's to the bit (pillow.test.ts), but FreeType flattens curves in another way, by which a rim's opacity
    // differs by a level or two. Where there is next to none, Pillow's division by it makes another colour of that.
    const differences = drawn.map((value, i) => Math.abs(value - expected[i]!));
    expect(drawn).toHaveLength(expected.length);
    expect(meanOf(differences)).toBeLessThan(0.3);
    expect(meanOf([...differences].map((difference) => (difference > 3 ? 1 : 0)))).toBeLessThan(0.02);
  });

  const COUNT = 400;
  // As there, all symbols are equally likely: how many of them are low decides where the first marked row is.
  const uniform = imageCaptchaDefinition({ charset: [charsets.ALL].flat().join('') });
  const nowhere = { x: -9, y: -9, width: 0, height: 0, start: 0, end: 1, color: [0, 0, 0, 255] } as const;

  it.each(['text', 'whole'] as const)('has the same distributions: %s', (kind) => {
    const figures = Array.from({ length: COUNT }, (_, index) => {
      const rng = new Rng(5).split(index);
      const scene = uniform.sample(rng, uniform.texts.draw(rng.split('label')).symbols);
      return figuresOf(draw(kind === 'whole' ? scene : { ...scene, specks: [], curve: nowhere }), scene.background);
    }).filter(({ marked }) => marked! >= 0.05);
    expect(figures.length).toBeGreaterThan(COUNT - 3);
    for (const [name, [mean, deviation]] of Object.entries(goldens[kind])) {
      const moments = momentsOf(figures.map((figure) => figure[name]!));
      // Ours are 400 and theirs 4,000: the difference has sqrt(1.1) of our standard error; 4 of these.
      const most = 4 * Math.sqrt(1.1);
      expect(Math.abs(moments.mean - mean), `mean of ${name}`).toBeLessThan(most * moments.meanError);
      expect(Math.abs(moments.deviation - deviation), `deviation of ${name}`).toBeLessThan(
        most * moments.deviationError,
      );
    }
  });
});

describe('imageCaptcha', () => {
  it('tells all it drew as plain JSON, in the ranges of the original', () => {
    const style = imageCaptcha({ charset: charsets.NUM });
    for (let index = 0; index < 60; index++) {
      const { label, parameters } = style.generate(2, index);
      expect(JSON.parse(JSON.stringify(parameters))).toEqual(parameters);
      expect(parameters.characters.map(({ symbol }) => symbol).join('')).toBe(label);
      expect(parameters.specks).toHaveLength(30);
      for (const channel of parameters.background.match(/\w\w/g)!.map((hex) => Number.parseInt(hex, 16))) {
        expect(channel).toBeGreaterThanOrEqual(238);
      }
      const [r, g, b, opacity] = parameters.color.match(/\w\w/g)!.map((hex) => Number.parseInt(hex, 16));
      for (const channel of [r!, g!, b!]) expect(channel >= 10 && channel <= 200).toBe(true);
      expect((opacity ?? 255) >= 220).toBe(true);
      for (const { font, size, angle, box } of parameters.characters) {
        expect(font).toBe('DroidSansMono');
        expect([42, 50, 56]).toContain(size);
        expect(Math.abs(angle)).toBeLessThanOrEqual(30);
        expect(box.x >= 0 && box.x + box.width <= WIDTH && box.y >= 0 && box.y + box.height <= HEIGHT).toBe(true);
      }
    }
  });

  it.each([
    ['as they are', 'Wi', 0],
    ['narrowed', 'WgijQ', 1],
  ])('gives boxes that hold all of each character and touch it on every side: %s', (_, symbols, narrowed) => {
    for (let index = 0; index < 12; index++) {
      const rng = new Rng(8).split(index);
      const scene = definition.sample(rng, [...symbols]);
      expect(scene.textWidth > WIDTH ? 1 : 0).toBe(narrowed);
      for (const [i, { box }] of definition.describe(scene).characters.entries()) {
        const characters = [scene.characters[i]!];
        const pixels = draw({ ...scene, characters, specks: [], curve: { ...scene.curve, x: -500 } });
        const marked = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i).filter((i) =>
          [0, 1, 2].some((k) => pixels[3 * i + k] !== scene.background[k]),
        );
        const xs = marked.map((i) => i % WIDTH);
        const ys = marked.map((i) => Math.floor(i / WIDTH));
        expect([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]).toEqual([
          box.x,
          box.y,
          box.x + box.width - 1,
          box.y + box.height - 1,
        ]);
      }
    }
  });

  it('narrows what is too wide and takes fonts, sizes and colours', () => {
    const style = imageCaptcha({
      length: 12,
      width: 100,
      frontColors: ['#808080'],
      backgroundColors: ['#ffffff'],
      fonts: ['Oswald', 'Tinos'],
      fontSizes: [30],
    });
    const { image, label, parameters } = style.generate(1, 1);
    expect([image.width, image.height, [...label].length]).toEqual([100, 60, 12]);
    expect(new Set(parameters.characters.map(({ font }) => font))).toEqual(
      new Set(['Oswald-Regular', 'Tinos-Regular']),
    );
    expect(parameters.color).toBe('#808080');
    expect(meanOf([...image.data].map((value) => (value > 120 ? 1 : 0)))).toBeGreaterThan(0.99);
  });
});
