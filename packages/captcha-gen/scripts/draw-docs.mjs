/**
 * The pictures of the README, docs/styles.png and docs/fonts.png; with the package built:
 *     node scripts/draw-docs.mjs
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afocus, arithmetic, bundledFonts, imageCaptcha, wide } from '../dist/index.js';

const folder = fileURLToPath(new URL('../docs/', import.meta.url));
const GAP = 8;

/** Rows of pictures on white, as a PNG file of few colours. */
async function sheet(name, rows) {
  const widths = rows.map((row) => row.reduce((sum, { width }) => sum + width + GAP, GAP));
  const heights = rows.map((row) => row[0].height + GAP);
  const layers = rows.flatMap((row, y) =>
    row.map(({ data, width, height }, x) => ({
      input: Buffer.from(data),
      raw: { width, height, channels: 3 },
      left: GAP + row.slice(0, x).reduce((sum, each) => sum + each.width + GAP, 0),
      top: GAP + heights.slice(0, y).reduce((sum, each) => sum + each, 0),
    })),
  );
  const size = { width: Math.max(...widths), height: heights.reduce((sum, each) => sum + each, GAP) };
  await sharp({ create: { ...size, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png({ palette: true, colours: 64, effort: 10 })
    .toFile(`${folder}${name}`);
}

const some = (style, count, from = 0) => Array.from({ length: count }, (_, i) => style.generate(1, from + i).image);

await mkdir(folder, { recursive: true });
await sheet('styles.png', [
  some(afocus(), 4),
  some(imageCaptcha(), 3),
  some(wide(), 3),
  some(wide({ normalized: true }), 3),
  some(arithmetic(), 3),
]);
await sheet(
  'fonts.png',
  [bundledFonts.slice(0, 4), bundledFonts.slice(4)].map((row) =>
    row.map(
      (font) => wide({ fonts: [font], length: 6, lines: 0, dots: 0, noise: 0, maxAngle: 5 }).generate(5, 1).image,
    ),
  ),
);
