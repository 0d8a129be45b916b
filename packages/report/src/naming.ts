/** `exactMatch` or `exact_match` as `Exact match`. */
export function nameInWords(key: string): string {
  const words = key
    .replace(/[_-]+/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether a measure is a share and shown in percent: its values lie in 0..1 and its name does not end in "loss". */
export function isShare(name: string, values: Iterable<number>): boolean {
  if (/loss$/i.test(name)) return false;
  let some = false;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < 0 || value > 1) return false;
    some = true;
  }
  return some;
}
