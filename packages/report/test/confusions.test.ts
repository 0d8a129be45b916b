import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusedCharacters, confusionTable } from '../src/index.js';
import { alignTexts } from '../src/text-difference.js';

const text = fc.string({ minLength: 0, maxLength: 8, unit: fc.constantFrom('a', 'b', 'c', '😀') });

describe('alignTexts', () => {
  it('loses nothing of either text', () => {
    fc.assert(
      fc.property(text, text, (truth, prediction) => {
        const pairs = alignTexts(truth, prediction);
        expect(pairs.map((pair) => pair.truth ?? '').join('')).toBe(truth);
        expect(pairs.map((pair) => pair.prediction ?? '').join('')).toBe(prediction);
        expect(pairs.every((pair) => pair.truth !== null || pair.prediction !== null)).toBe(true);
      }),
    );
  });

  it('compares texts of one length place by place, others by the fewest changes', () => {
    const changes = (truth: string, prediction: string) =>
      alignTexts(truth, prediction)
        .filter((pair) => pair.truth !== pair.prediction)
        .map((pair) => `${pair.truth ?? ''}>${pair.prediction ?? ''}`);
    expect(changes('abcd', 'bcda')).toEqual(['a>b', 'b>c', 'c>d', 'd>a']);
    expect(changes('abcd', 'acd')).toEqual(['b>']);
    expect(changes('kitten', 'sitting')).toEqual(['k>s', 'e>i', '>g']);
    expect(changes('', 'ab')).toEqual(['>a', '>b']);
    expect(changes('a😀b', 'ab')).toEqual(['😀>']);
  });
});

describe('confusedCharacters', () => {
  it('counts what was read as what, the most frequent first', () => {
    expect(confusedCharacters(['0O0l', 'aOlI', 'abc'], ['OO0I', 'a0II', 'ab'])).toEqual([
      { truth: 'l', prediction: 'I', count: 2, occurrences: 2 },
      { truth: '0', prediction: 'O', count: 1, occurrences: 2 },
      { truth: 'O', prediction: '0', count: 1, occurrences: 2 },
      { truth: 'c', prediction: null, count: 1, occurrences: 1 },
    ]);
    expect(confusedCharacters(['a'], ['ab'])).toEqual([{ truth: null, prediction: 'b', count: 1, occurrences: 0 }]);
  });

  it('does not depend on the order of the pictures', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        const count = (list: [string, string][]) =>
          confusedCharacters(
            list.map(([truth]) => truth),
            list.map(([, prediction]) => prediction),
          );
        expect(count([...pairs].reverse())).toEqual(count(pairs));
      }),
    );
  });

  it('asks for lists of one length', () => {
    expect(() => confusedCharacters(['a', 'b'], ['a'])).toThrow(
      expect.objectContaining({ name: 'ProjError', code: 'length-mismatch' }),
    );
  });
});

describe('confusionTable', () => {
  it('is a Markdown table in which no character breaks out of its cell', () => {
    expect(
      confusionTable([
        { truth: '|', prediction: '`', count: 3, occurrences: 8 },
        { truth: null, prediction: 'b', count: 2, occurrences: 0 },
        { truth: 'c', prediction: null, count: 1, occurrences: 1000 },
      ]),
    ).toBe(
      [
        '| Character | Read as | Times | Of its occurrences |',
        '| --- | --- | ---: | ---: |',
        '| `\\|` | `` ` `` | 3 | 37.5% of 8 |',
        '| none | `b` | 2 |  |',
        '| `c` | none | 1 | 0.1% of 1000 |',
        '',
      ].join('\n'),
    );
  });

  it('stops after `limit` rows', () => {
    const confusions = Array.from({ length: 20 }, (_, i) => ({
      truth: String.fromCharCode(97 + i),
      prediction: 'z',
      count: 20 - i,
      occurrences: 40,
    }));
    expect(confusionTable(confusions).split('\n').length).toBe(2 + 10 + 1);
    expect(confusionTable(confusions, { limit: 3 }).split('\n').length).toBe(2 + 3 + 1);
    expect(confusionTable([])).toBe('No character was confused with another.\n');
  });
});
