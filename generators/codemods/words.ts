/** Words of a text, and what takes their places. */

export interface Replacement {
  readonly word: RegExp;
  readonly by: string;
}

/** Puts each in its place in one go, so that what was put in is never taken for a placeholder itself. */
export function withAll(text: string, replacements: readonly Replacement[]): string {
  const words = replacements.map(({ word }) => `(${word.source})`).join('|');
  if (words === '') return text;
  return text.replace(new RegExp(words, 'g'), (match, ...groups: unknown[]) => {
    const index = groups.slice(0, replacements.length).findIndex((group) => group !== undefined);
    return replacements[index]?.by ?? match;
  });
}
