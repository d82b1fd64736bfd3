// Texts that are cut.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutTo } from '../../../runtime/text/words.ts';

test('a text is cut between characters, and as long as it may be', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (text, most) => {
      const cut = cutTo(text, most);
      expect(cut.isWellFormed()).toBe(true);
      if (text.length <= most) expect(cut).toBe(text);
      else {
        expect(cut.endsWith('…') && text.startsWith(cut.slice(0, -1))).toBe(true);
        expect([most - 1, most]).toContain(cut.length);
      }
    }),
  );
});
