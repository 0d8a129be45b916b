// Draws docs/transforms.png: a captcha of our own and what the transforms make of it. Run after a build.
import { fileURLToPath } from 'node:url';
import * as augment from '@proj/augment';
import { afocus } from '@proj/captcha-gen';
import { Rng } from '@proj/core';
import sharp from 'sharp';

const COLUMNS = 6;
const [WIDTH, HEIGHT, LABEL, GAP] = [128, 64, 14, 8];

const json = [
  { name: 'compose', transforms: [] },
  { name: 'randomRotation', degrees: [14, 15], interpolation: 'bilinear' },
  { name: 'randomAffine', degrees: 8, translate: [0.1, 0.1], scale: [0.7, 0.8], shear: [10, 12] },
  { name: 'randomPerspective', p: 1 },
  { name: 'elasticTransform', alpha: 60, sigma: 4 },
  { name: 'gridDistortion', p: 1, distortLimit: 0.6 },
  { name: 'randomResizedCrop', size: [64, 128], scale: [0.3, 0.5] },
  { name: 'randomCrop', size: [64, 128], padding: 16, paddingMode: 'reflect' },
  { name: 'randomHorizontalFlip', p: 1 },
  { name: 'colorJitter', brightness: 0.3, contrast: 0.5, saturation: 0.5, hue: 0.4 },
  { name: 'hue', factor: 0.4 },
  { name: 'gamma', gamma: 2.2 },
  { name: 'contrast', factor: 0.4 },
  { name: 'randomInvert', p: 1 },
  { name: 'randomPosterize', bits: 2, p: 1 },
  { name: 'randomSolarize', threshold: 128, p: 1 },
  { name: 'randomAdjustSharpness', sharpnessFactor: 6, p: 1 },
  { name: 'gaussianBlur', kernelSize: 9, sigma: 2 },
  { name: 'motionBlur', kernelSize: 9, angle: 30 },
  { name: 'jpeg', quality: 8 },
  { name: 'gaussianNoise', sigma: 0.15 },
  { name: 'isoNoise', colorShift: 0.1, intensity: 0.5 },
  { name: 'saltAndPepper', amount: 0.08 },
  { name: 'cutout', size: 20, numHoles: 3 },
];

const { image } = afocus().generate(3, 4);
const cells = json.map((each, place) => {
  const { image: drawn } = augment.run(augment.fromJSON(each), image, new Rng(9));
  const [left, top] = [
    GAP + (place % COLUMNS) * (WIDTH + GAP),
    GAP + Math.floor(place / COLUMNS) * (HEIGHT + LABEL + GAP),
  ];
  return { drawn, left, top, name: each.transforms ? 'captcha' : each.name };
});
const width = GAP + COLUMNS * (WIDTH + GAP);
const height = GAP + Math.ceil(cells.length / COLUMNS) * (HEIGHT + LABEL + GAP);
const labels = cells.map(
  ({ left, top, name }) =>
    `<text x="${left}" y="${top + HEIGHT + 11}" font-family="sans-serif" font-size="10">${name}</text>`,
);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${labels.join('')}</svg>`;
await sharp({ create: { width, height, channels: 3, background: 'white' } })
  .composite([
    ...cells.map(({ drawn, left, top }) => ({
      input: Buffer.from(drawn.data),
      raw: { width: drawn.width, height: drawn.height, channels: drawn.channels },
      left,
      top,
    })),
    { input: Buffer.from(svg), left: 0, top: 0 },
  ])
  .png({ palette: true, compressionLevel: 9 })
  .toFile(fileURLToPath(new URL('../docs/transforms.png', import.meta.url)));
