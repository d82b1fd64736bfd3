import { relative } from 'node:path';

/** A package's folder, as a person would type it after `cd`. */
export const folderShown = (root: string): string => relative(process.cwd(), root).replaceAll('\\', '/') || '.';
