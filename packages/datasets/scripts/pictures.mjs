// Draws the README's pictures into docs/: node scripts/pictures.mjs (after a build).
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createImage, Rng } from '@proj/core';
import { qualityFilter } from '@proj/datasets';
import sharp from 'sharp';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const side = 96;

/** Discs of many colours, none like those of another seed. */
function drawing(seed) {
  const rng = new Rng(seed);
  const discs = Array.from({ length: 9 }, () => ({
    x: rng.uniform(0, side),
    y: rng.uniform(0, side),
    radius: rng.uniform(6, 30),
    color: [0, 1, 2].map(() => rng.int(256)),
  }));
  const image = createImage(side, side, 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const disc = discs.findLast((each) => Math.hypot(x - each.x, y - each.y) < each.radius);
      image.data.set(disc?.color ?? [245, 242, 235], (y * side + x) * 3);
    }
  }
  return image;
}

const asSharp = ({ data, width, height }) => sharp(data, { raw: { width, height, channels: 3 } });

async function changed(image, change) {
  const { data, info } = await change(asSharp(image)).raw().toBuffer({ resolveWithObject: true });
  return createImage(info.width, info.height, 3, new Uint8ClampedArray(data));
}

const images = [
  ...[1, 2, 3, 4].map(drawing),
  await changed(drawing(5), (image) => image.blur(7)),
  await changed(drawing(6), (image) => image.linear(0.02, 180)),
  await changed(drawing(7), (image) => image.resize(28, 28)),
  await changed(drawing(1), (image) => image.modulate({ brightness: 0.8, saturation: 0.3 })),
];
const dataset = { samples: images, image: async (index) => images[index] };
const limits = { minWidth: 64, minHeight: 64, minContrast: 8, minSharpness: 30, maxDistance: 6 };
const { kept, dropped } = await qualityFilter(dataset, limits);
console.log(`${kept.length} stay`);
for (const { index, reason, detail } of dropped) console.log(`${index}: ${reason}, ${detail}`);

const gap = 8;
const cell = side + gap;
const place = async (image, column, row) => ({
  input: await asSharp(image).png().toBuffer(),
  left: column * cell + gap + ((side - image.width) >> 1),
  top: row * cell + gap + ((side - image.height) >> 1),
});
const rows = [kept, dropped.map(({ sample }) => sample)];
const width = Math.max(...rows.map((row) => row.length)) * cell + gap;
mkdirSync(docs, { recursive: true });
await sharp({ create: { width, height: 2 * cell + gap, channels: 3, background: '#ffffff' } })
  .composite(
    (
      await Promise.all(rows.map((row, y) => row.map((image, x) => place(image, x, y))).map((row) => Promise.all(row)))
    ).flat(),
  )
  .png({ palette: true })
  .toFile(`${docs}quality.png`);
