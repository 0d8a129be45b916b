import {
  addNoise,
  type CaptchaStyle,
  clipBox,
  defineStyle,
  drawInk,
  drawLine,
  fill,
  formatColor,
  type Ink,
  loadFont,
  type PartOptions,
  paintInk,
  parseColor,
  randomTexts,
} from '@proj/captcha-gen/stages';

/** Digits written by hand on ruled paper, with a stroke through them. */
export function ruled(options: PartOptions & { length?: number } = {}): CaptchaStyle {
  const { length = 5, ...part } = options;
  const [width, height, size] = [32 * length, 60, 44];
  const texts = randomTexts({ length, charset: '0123456789', ...part });
  const font = loadFont('Caveat-Bold');
  const inks = new Map<string, Ink>(texts.symbols.map((symbol) => [symbol, drawInk(font, symbol, size)]));
  const [paper, rule] = [parseColor('#fbf8ee'), parseColor('#a9c4e2')];

  return defineStyle({
    name: 'ruled',
    width,
    height,
    texts,
    sample: (rng, symbols) => ({
      color: [rng.int(60), rng.int(60), 90 + rng.int(90), 255] as const,
      characters: symbols.map((symbol, i) => ({ symbol, x: 32 * i + rng.int(12), y: 38 + rng.int(12) })),
      stroke: { x: 0, y: 20 + rng.int(20), width, height: rng.int(21) - 10 },
      noise: { amplitude: 6, seed: rng.uint32() },
    }),
    draw({ color, characters, stroke, noise }, picture) {
      fill(picture, paper);
      for (let y = 9; y < height; y += 10) drawLine(picture, { x: 0, y, width, height: 0, color: rule });
      for (const { symbol, x, y } of characters) {
        const ink = inks.get(symbol)!;
        paintInk(picture, ink, x + ink.left, y + ink.top, color);
      }
      drawLine(picture, { ...stroke, color });
      addNoise(picture, noise);
    },
    describe: ({ color, characters, ...rest }) => ({
      ...rest,
      color: formatColor(color),
      characters: characters.map(({ symbol, x, y }) => {
        const ink = inks.get(symbol)!;
        return { symbol, box: clipBox({ ...ink, x: x + ink.left, y: y + ink.top }, width, height) };
      }),
    }),
    recipe: { module: import.meta.url, export: 'ruled', options },
  });
}
