/** The places of a template's files in a repository, and the imports between them. */

import { posix } from 'node:path';

/** The place of each file, by its path in a new project. */
export type Places = ReadonlyMap<string, string>;

export const isSource = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path);

/** In a CommonJS package, only the ending .mts or .mjs makes a file a module. Declarations need no change. */
export const asModule = (path: string): string =>
  /\.d\.[cm]?ts$/.test(path) ? path : path.replace(/\.([jt]s)$/, '.m$1');

/**
 * Rewrites the relative paths in a source's string literals that name other files of the template, so that they fit the
 * new places.
 *
 * from - the path of the source in a new project.
 */
export function withReferences(source: string, from: string, places: Places): string {
  const to = places.get(from) ?? from;
  return source.replace(/(?<=(['"]))\.{1,2}\/[^'"\s]+(?=\1)/g, (written) => {
    const place = places.get(posix.join(posix.dirname(from), written));
    if (place === undefined) return written;
    const there = posix.relative(posix.dirname(to), place);
    return there.startsWith('.') ? there : `./${there}`;
  });
}
