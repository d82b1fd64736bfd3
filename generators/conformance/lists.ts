/** Lists of items. */

/** `plain 1`, `plain 2`, and so on. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);

/** As many of the same. */
export const times = (item: string, count: number): string[] => Array.from({ length: count }, () => item);

/** In an order that does not depend on theirs. */
export const sorted = <One extends string | number>(list: readonly One[]): One[] =>
  list.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0));
