import { closestMatch } from 'leven';

/** The candidate that a mistyped word most likely meant; undefined if none is near. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined =>
  closestMatch(word, candidates, { maxDistance: Math.max(2, Math.floor(word.length / 3)) });
