/** Replaces words in a text. */

export interface Replacement {
  readonly word: RegExp;
  readonly by: string;
}

/** Makes all replacements in one pass, so that inserted text is never taken for a placeholder. */
export function withAll(text: string, replacements: readonly Replacement[]): string {
  const words = replacements.map(({ word }) => `(${word.source})`).join('|');
  if (words === '') return text;
  return text.replace(new RegExp(words, 'g'), (match, ...groups: unknown[]) => {
    const index = groups.slice(0, replacements.length).findIndex((group) => group !== undefined);
    return replacements[index]?.by ?? match;
  });
}
