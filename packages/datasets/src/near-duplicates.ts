/** Finds hashes that differ in at most `maxDistance` of their 64 bits. */
export class NearDuplicates<T> {
  readonly #maxDistance: number;
  readonly #entries: { readonly words: readonly [number, number]; readonly value: T }[] = [];
  /**
   * Entries by a band's number and bits. There is one band more than bits may differ, so of two near hashes at least one
   * band is equal, and only entries that share one need be compared.
   */
  readonly #bands = new Map<string, number[]>();

  constructor(maxDistance: number) {
    this.#maxDistance = maxDistance;
  }

  /** The first of the nearest that were added, if one is near. */
  find(hash: string): { readonly value: T; readonly distance: number } | undefined {
    const words = wordsOf(hash);
    let best: { value: T; distance: number; entry: number } | undefined;
    const seen = new Set<number>();
    for (const band of this.#bandsOf(hash)) {
      for (const entry of this.#bands.get(band) ?? []) {
        if (seen.has(entry)) continue;
        seen.add(entry);
        const { words: other, value } = this.#entries[entry]!;
        const distance = ones(words[0] ^ other[0]) + ones(words[1] ^ other[1]);
        if (distance > this.#maxDistance) continue;
        if (best === undefined || distance < best.distance || (distance === best.distance && entry < best.entry)) {
          best = { value, distance, entry };
        }
      }
    }
    return best;
  }

  add(hash: string, value: T): void {
    const entry = this.#entries.push({ words: wordsOf(hash), value }) - 1;
    for (const band of this.#bandsOf(hash)) {
      const members = this.#bands.get(band);
      if (members === undefined) this.#bands.set(band, [entry]);
      else members.push(entry);
    }
  }

  #bandsOf(hash: string): string[] {
    const bits = BigInt(`0x${hash}`).toString(2).padStart(64, '0');
    const count = Math.min(64, this.#maxDistance + 1);
    return Array.from({ length: count }, (_, band) => {
      const [start, end] = [band, band + 1].map((edge) => Math.floor((edge * 64) / count));
      return `${band}:${bits.slice(start, end)}`;
    });
  }
}

function wordsOf(hash: string): readonly [number, number] {
  return [Number.parseInt(hash.slice(0, 8), 16) | 0, Number.parseInt(hash.slice(8), 16) | 0];
}

/** How many of 32 bits are 1. */
function ones(word: number): number {
  let rest = word;
  let count = 0;
  for (; rest !== 0; rest &= rest - 1) count++;
  return count;
}
