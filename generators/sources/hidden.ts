/** The names that files have in a template in place of those that npm leaves out of packages. */

import { posix } from 'node:path';
import type { Template } from './templates.ts';

/** Files that npm leaves out of every package, and obeys: what they name is left out too. */
export const HIDDEN_BY_NPM: readonly string[] = ['.gitignore', '.npmignore', '.npmrc'];

/** What such a file is called in a template. */
export const visible = (name: string): string => name.replace(/^\./, '_');

/** Beside those, a package.json in a template would be a package of its own. */
export const unhidden = (path: string): string => {
  const name = posix.basename(path);
  const real = ['package.json', ...HIDDEN_BY_NPM].find((each) => name === `_${each.replace(/^\./, '')}`);
  return real === undefined ? path : `${path.slice(0, -name.length)}${real}`;
};

/**
 * Why a template has lost a file on its way: its manifest has a permission for one that npm leaves out of packages, and
 * the file is not there. undefined where it has lost none that anybody could know of.
 */
export function whyLost({ manifest, files }: Pick<Template, 'manifest' | 'files'>): string | undefined {
  const lost = (manifest.permissions?.write ?? []).find(
    (path) =>
      HIDDEN_BY_NPM.includes(posix.basename(path)) &&
      !files.some((file) => unhidden(file.path.replace(/\.ejs$/, '')) === path),
  );
  if (lost === undefined) return undefined;
  const name = posix.basename(lost);
  const called = posix.join('files', posix.dirname(lost), visible(name));
  return `it may write ${lost}, and has no such file: npm leaves ${name} out of a package, so it has to be called ${called}`;
}
