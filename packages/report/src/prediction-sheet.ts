import { type Image, ProjError } from '@proj/core';
import sharp from 'sharp';
import { codeFont, crispPixels, escapeXml, type Figure, palette, textFont, toPng } from './figure.js';
import { alignTexts } from './text-difference.js';

/** A picture, what it shows and what was read from it. */
export interface Prediction {
  readonly image: Image;
  readonly truth: string;
  readonly prediction: string;
  /** 0..1. */
  readonly confidence?: number | undefined;
}

export interface PredictionSheetOptions {
  /** Pictures a row; 8 (default) suits small pictures, 4 shows them twice as large. */
  readonly columns?: number | undefined;
  /** First line above the sheet; the second counts the hits. */
  readonly title?: string | undefined;
}

const margin = 20;
const gap = 16;
/** Width that the pictures of a row share. */
const rowWidth = 1024;
const lineHeight = 18;
const fontSize = 15;
/** What a caption of a few characters, its sign and its note need. */
const leastCellWidth = 96;
/** Advance of a character of a monospaced font, in font sizes. */
const advance = 0.602;

/**
 * Draws pictures in a grid, each with its prediction under it. A hit has a green ✓. A miss has a frame and a red ✗, the
 * truth in a second line, and the characters that differ are heavy and underlined in both; a character that one of the
 * two lacks is shown as `·`. Pictures are enlarged by whole factors with hard pixel edges; larger ones than fit are
 * scaled down smoothly. They may differ in size.
 *
 * @throws ProjError `no-pictures` for an empty list, `invalid-option` for `columns` that is not a positive integer,
 * `invalid-image` for a picture with neither 1, 2, 3 nor 4 channels.
 */
export async function predictionSheet(
  items: readonly Prediction[],
  { columns = 8, title = 'Predictions' }: PredictionSheetOptions = {},
): Promise<Figure> {
  if (items.length === 0) {
    throw new ProjError('Cannot draw a sheet of predictions', {
      code: 'no-pictures',
      expected: 'at least one picture',
      received: 'none',
    });
  }
  if (!Number.isInteger(columns) || columns < 1) {
    throw new ProjError('Cannot draw a sheet of predictions', {
      code: 'invalid-option',
      expected: 'columns to be a positive integer',
      received: String(columns),
    });
  }

  const target = Math.max(1, Math.floor(rowWidth / columns));
  const pictures = await Promise.all(items.map(({ image }) => embed(image, target)));
  const cellWidth = Math.max(target, leastCellWidth, ...pictures.map(({ width }) => width));
  const pictureHeight = Math.max(...pictures.map(({ height }) => height));
  const hits = items.filter(({ truth, prediction }) => truth === prediction).length;
  const captionHeight = hits === items.length ? 8 + lineHeight : 8 + 2 * lineHeight;
  const cellHeight = pictureHeight + captionHeight;
  const top = margin + 62;
  const shownColumns = Math.min(columns, items.length);
  const width = Math.max(2 * margin + shownColumns * (cellWidth + gap) - gap, 420);
  const height = top + Math.ceil(items.length / columns) * (cellHeight + gap) - gap + margin;

  const cells = items.map((item, i) => {
    const x = margin + (i % columns) * (cellWidth + gap);
    const y = top + Math.floor(i / columns) * (cellHeight + gap);
    const picture = pictures[i]!;
    return cell(item, { ...picture, cellWidth, pictureHeight, captionHeight }, x, y);
  });
  const share = `${((100 * hits) / items.length).toFixed(1)}%`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    `<text class="title" x="${margin}" y="${margin + 16}" font-family="${textFont}" font-size="18" font-weight="700" fill="${palette.ink}">${escapeXml(title)}</text>`,
    `<text class="subtitle" x="${margin}" y="${margin + 38}" font-family="${textFont}" font-size="13" fill="${palette.muted}">${hits} of ${items.length} read exactly (${share})</text>`,
    ...cells,
    '</svg>',
  ].join('\n');
  return { svg, png: toPng(svg) };
}

interface Placed {
  readonly uri: string;
  readonly width: number;
  readonly height: number;
  readonly crisp: boolean;
}

interface CellSize {
  readonly cellWidth: number;
  readonly pictureHeight: number;
  readonly captionHeight: number;
}

async function embed({ data, width, height, channels }: Image, target: number): Promise<Placed> {
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) {
    throw new ProjError('Cannot draw a picture', {
      code: 'invalid-image',
      expected: '1 to 4 channels',
      received: `${channels} channels`,
    });
  }
  const png = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
  const scale = width <= target ? Math.floor(target / width) : target / width;
  return {
    uri: `data:image/png;base64,${png.toString('base64')}`,
    width: width * scale,
    height: height * scale,
    crisp: scale >= 1,
  };
}

function cell(
  { truth, prediction, confidence }: Prediction,
  { uri, width, height, crisp, cellWidth, pictureHeight, captionHeight }: Placed & CellSize,
  x: number,
  y: number,
): string {
  const hit = truth === prediction;
  const colour = hit ? palette.green : palette.vermillion;
  const left = x + (cellWidth - width) / 2;
  const top = y + (pictureHeight - height) / 2;
  const pairs = alignTexts(truth, prediction);
  const size = Math.min(
    fontSize,
    (cellWidth - 24 - (hit && confidence === undefined ? 0 : 38)) / (advance * Math.max(1, pairs.length)),
  );
  const code = (text: string, line: number) =>
    `<text x="${x + 20}" y="${line}" font-family="${codeFont}" font-size="${round(size)}" fill="${palette.ink}" xml:space="preserve">${text}</text>`;
  const note = (text: string, line: number) =>
    `<text x="${x + cellWidth}" y="${line}" text-anchor="end" font-family="${textFont}" font-size="11" fill="${palette.muted}">${text}</text>`;
  // Drawn, not typed: fonts differ in whether and how they have these signs.
  const mark = hit ? 'M1,6 L5,10 L12,1' : 'M2,1 L11,10 M11,1 L2,10';
  return [
    `<g class="${hit ? 'hit' : 'miss'}">`,
    `<title>${escapeXml(hit ? `✓ ${prediction}` : `✗ read ${prediction}, truth ${truth}`)}</title>`,
    ...(hit
      ? []
      : [
          `<rect x="${x - 6}" y="${y - 6}" width="${cellWidth + 12}" height="${pictureHeight + captionHeight + 8}" rx="4" fill="#FDF1EA" stroke="${palette.vermillion}" stroke-width="1.5"/>`,
        ]),
    `<image x="${left}" y="${top}" width="${width}" height="${height}" xlink:href="${uri}"${crisp ? ` style="${crispPixels}"` : ''}/>`,
    `<path d="${mark}" transform="translate(${x + 1},${y + pictureHeight + 7})" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round"/>`,
    code(emphasise(pairs, 'prediction', palette.vermillion), y + pictureHeight + lineHeight),
    ...(hit
      ? []
      : [
          code(emphasise(pairs, 'truth', palette.ink), y + pictureHeight + lineHeight * 2),
          note('truth', y + pictureHeight + lineHeight * 2),
        ]),
    ...(confidence === undefined ? [] : [note(percent(confidence), y + pictureHeight + lineHeight)]),
    '</g>',
  ].join('');
}

/** One side of the two texts, the characters that differ heavy and underlined. */
function emphasise(pairs: ReturnType<typeof alignTexts>, side: 'truth' | 'prediction', colour: string): string {
  return pairs
    .map((pair) => {
      const character = escapeXml(pair[side] ?? '·');
      if (pair.truth === pair.prediction) return character;
      return `<tspan font-weight="700" fill="${colour}" text-decoration="underline">${character}</tspan>`;
    })
    .join('');
}

/** Rounded down, so that nothing short of certainty reads 100%. */
function percent(confidence: number): string {
  return `${(Math.floor(confidence * 1000) / 10).toFixed(1)}%`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
