/** Paths in lists that have the syntax of .gitignore. */

/**
 * Writes a folder of the package for such a list. A bare name would match every folder of that name at any depth, such
 * as the package's own `src/tasks/`; a leading slash prevents that.
 *
 * path - relative to the folder of the list, with or without a trailing slash.
 */
export const anchored = (path: string): string => (/^[^/]+\/?$/.test(path) ? `/${path}` : path);
