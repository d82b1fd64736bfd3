/** Paths in lists that are written as .gitignore is. */

/**
 * A folder of the package, for such a list. A name alone would mean every folder of that name, at any depth, such as the
 * package's own `src/tasks/`.
 *
 * path - relative to where the list is, with or without a slash at its end.
 */
export const anchored = (path: string): string => (/^[^/]+\/?$/.test(path) ? `/${path}` : path);
