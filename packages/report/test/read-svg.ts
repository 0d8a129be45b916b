/** The part of a figure that Vega drew for the mark of this name; none where it has no shapes. */
export function mark(svg: string, name: string): string | undefined {
  return new RegExp(`<g class="mark-\\w+ role-mark ${name}_marks"[^>]*?(?:/>|>(.*?)</g>)`).exec(svg)?.[1];
}

/** How many shapes the mark of this name has. */
export function shapes(svg: string, name: string): number {
  return mark(svg, name)?.match(/ d="M/g)?.length ?? 0;
}

/** The points `[x, y]` of the line of this name, in the units of its panel. */
export function linePoints(svg: string, name: string): [number, number][] {
  const path = / d="([^"]*)"/.exec(mark(svg, name) ?? '')?.[1] ?? '';
  return path
    .split(/[ML]/)
    .slice(1)
    .map((pair) => pair.replace('Z', '').split(',').map(Number) as [number, number]);
}

/** Where the symbols of this name stand. */
export function symbolPoints(svg: string, name: string): [number, number][] {
  const places = (mark(svg, name) ?? '').matchAll(/transform="translate\(([^,]+),([^)]+)\)"/g);
  return [...places].map(([, x, y]) => [Number(x), Number(y)]);
}

/** Labels of all axes, an array for each in the order in which they are drawn. */
export function axisLabels(svg: string): string[][] {
  return [...svg.matchAll(/<g class="mark-text role-axis-label"[^>]*>(.*?)<\/g>/g)].map(([, labels]) => texts(labels!));
}

/** All text of a figure or of a part of it, in the order in which it is drawn. */
export function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) => text!.replace(/<[^>]*>/g, ''));
}
