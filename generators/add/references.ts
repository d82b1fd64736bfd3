/** Where the files of a template are put in a repository, and how they find each other there. */

import { posix } from 'node:path';

/** The place of each file, by its path in a new project. */
export type Places = ReadonlyMap<string, string>;

export const isSource = (path: string): boolean => /\.[cm]?[jt]sx?$/.test(path);

/** In a CommonJS package only what says so is a module. Declarations have nothing to say. */
export const asModule = (path: string): string =>
  /\.d\.[cm]?ts$/.test(path) ? path : path.replace(/\.([jt]s)$/, '.m$1');

/**
 * A source whose string literals that name another file of the template by a relative path name it where it is.
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
