import { describe, expect, it } from 'vitest';
import { parseColor } from '../src/color.js';
import { type AfocusScene, afocusDefinition } from '../src/styles/afocus.js';
import { backgroundOf, type Pixels, readReal, realMissing } from './measures.js';

/** Of 500; all of them, for the figures in the README, take minutes. */
const COUNT = process.env.PROJ_TEST_LONG === '1' ? 500 : 16;
const SIZE = 128 * 64;
const { draw } = afocusDefinition({});
const white = parseColor('#ffffff');
const transparent = parseColor('#ffffff00');

const black = parseColor('#000000');
const angles = Array.from({ length: 40 }, (_, i) => i - 20);

interface Placed {
  readonly symbol: string;
  readonly position: number;
  readonly angle: number;
}

/** Alpha of these characters alone: white on black, which is what the red channel then shows; the others are transparent. */
function textOf(placed: readonly Placed[]): Uint8Array {
  const characters = [0, 1, 2, 3].map((position) => {
    const character = placed.find((other) => other.position === position);
    return character === undefined
      ? { symbol: 'a', angle: 0, font: 0, color: transparent }
      : { symbol: character.symbol, angle: character.angle, font: 0, color: white };
  });
  const scene: AfocusScene = { background: black, dots: [], lines: [], characters };
  const data = new Uint8Array(SIZE * 3);
  draw(scene, { data, offset: 0, width: 128, height: 64 });
  return Uint8Array.from({ length: SIZE }, (_, i) => data[3 * i]!);
}

/** The alpha of all that is white in a real picture, from a channel in which its background is 0; undefined on grey. */
function alphaOf(pixels: Pixels): Uint8Array | undefined {
  const channel = backgroundOf(pixels).indexOf(0);
  return channel < 0 ? undefined : Uint8Array.from({ length: SIZE }, (_, i) => pixels[3 * i + channel]!);
}

/** How badly one character, alone, fits; pixels that are fully white may hide it. */
function misfit(alpha: Uint8Array, character: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < SIZE; i++) {
    if (character[i]! > 0 && alpha[i] !== 255) sum += Math.min(20, Math.abs(character[i]! - alpha[i]!));
  }
  return sum;
}

/** The angle of each character that fits best, found one by one. */
function anglesOf(label: string, alpha: Uint8Array): number[] {
  return [...label].map((symbol, position) => {
    const fits = angles.map((angle) => misfit(alpha, textOf([{ symbol, position, angle }])));
    return angles[fits.indexOf(Math.min(...fits))]!;
  });
}

describe.skipIf(realMissing)('real captchas, drawn again at the angles that fit best', () => {
  it(`shows the same levels in ${COUNT} pictures`, async () => {
    let pixels = 0;
    let different = 0;
    let far = 0;
    let whole = 0;
    const found: number[] = [];
    for (const real of await readReal(COUNT)) {
      const alpha = alphaOf(real.pixels);
      if (alpha === undefined) continue;
      const turned = anglesOf(real.label, alpha);
      const text = textOf([...real.label].map((symbol, position) => ({ symbol, position, angle: turned[position]! })));
      // A dot or line below makes a pixel fully white; everywhere else the text's alpha must stand.
      const differences = Array.from(text, (level, i) => (alpha[i] === 255 ? 0 : Math.abs(level - alpha[i]!)));
      pixels += SIZE;
      different += differences.filter((difference) => difference > 0).length;
      far += differences.filter((difference) => difference > 2).length;
      if (differences.every((difference) => difference === 0)) whole++;
      found.push(...turned);
    }
    expect(whole / (pixels / SIZE)).toBeGreaterThan(0.5); // text equal to the last bit
    expect(different / pixels).toBeLessThan(0.001);
    if (COUNT === 500) expect([whole, pixels / SIZE]).toEqual([306, 424]);
    expect(far / (pixels / SIZE)).toBeLessThan(0.2); // where an alpha of 0 against 1 decides what the wave overwrites
    // All of -20..19 occur; that some 60 draws miss the outer five on a side has a chance of 1 in 2,000.
    expect(Math.min(...found)).toBeLessThan(-15);
    expect(Math.max(...found)).toBeGreaterThan(14);
  }, 180_000);
});
