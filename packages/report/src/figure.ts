import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';

/** A drawing in both forms: `svg` as text, `png` at twice its size on white. */
export interface Figure {
  readonly svg: string;
  readonly png: Uint8Array;
}

/** Family of running text in an SVG. Without quotes, so that it stands unescaped in an attribute. */
export const textFont = 'Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif';
/** Family of text whose characters must not be mistaken for each other (0 and O, l and I). */
export const codeFont = 'Menlo, Consolas, DejaVu Sans Mono, monospace';
/** Style of a picture whose pixels stay squares when it is enlarged. */
export const crispPixels = 'image-rendering:pixelated';

/** Colours: Okabe and Ito's set, which people with any of the common colour blindnesses can tell apart, and greys. */
export const palette = {
  vermillion: '#D55E00',
  blue: '#0072B2',
  sky: '#56B4E9',
  green: '#009E73',
  purple: '#CC79A7',
  ink: '#1F2933',
  muted: '#5F6B7A',
  line: '#C5CCD3',
  grid: '#E7EAEE',
} as const;

const { resolve } = createRequire(import.meta.url);
const fontFiles = ['Sans', 'SansCondensed', 'SansCondensed-Bold', 'SansMono', 'SansMono-Bold'].map((face) =>
  resolve(`dejavu-fonts-ttf/ttf/DejaVu${face}.ttf`),
);

/**
 * Draws an SVG that uses {@link textFont} and {@link codeFont} as PNG, two pixels a unit, on white.
 *
 * The text comes from the bundled DejaVu fonts, so the picture is the same on every machine; only where a character lies
 * outside what DejaVu covers (Chinese, for one) are the machine's own fonts asked.
 */
export function toPng(svg: string): Uint8Array {
  // resvg looks at the first family of a list only, and knows the older word for hard pixel edges only. DejaVu's
  // condensed face is as wide as the families named before it.
  const bundled = svg
    .replaceAll(`font-family="${textFont}"`, 'font-family="DejaVu Sans" font-stretch="condensed"')
    .replaceAll(`font-family="${codeFont}"`, 'font-family="DejaVu Sans Mono"')
    .replaceAll(`style="${crispPixels}"`, 'image-rendering="optimizeSpeed"');
  const image = new Resvg(bundled, {
    font: { loadSystemFonts: /[\u2E80-\uFFFC]/.test(svg), fontFiles, defaultFontFamily: 'DejaVu Sans' },
    fitTo: { mode: 'zoom', value: 2 },
    background: '#FFFFFF',
  });
  return image.render().asPng();
}

/** Text for use inside an XML element or attribute; what XML 1.0 cannot hold becomes U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
}
