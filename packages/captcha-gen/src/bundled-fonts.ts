/**
 * Fonts that come with the package, by PostScript name: sans, hand, display, monospaced, condensed, slab and serif. All but
 * DejaVuSans have only printable ASCII and the signs \u00d7 \u00f7 \u2212.
 */
export const bundledFonts = [
  'DejaVuSans',
  'Caveat-Bold',
  'Chewy',
  'DroidSansMono',
  'Oswald',
  'RobotoSlab-Bold',
  'Tinos',
] as const;

export type BundledFont = (typeof bundledFonts)[number];
