/** Files that npm leaves out of packages have another name in a template. */

import { posix } from 'node:path';
import type { Template } from './templates.ts';

/** Files that npm leaves out of every package. npm also obeys them: it leaves out the files that they name. */
export const HIDDEN_BY_NPM: readonly string[] = ['.gitignore', '.npmignore', '.npmrc'];

/** The name of such a file in a template. */
export const visible = (name: string): string => name.replace(/^\./, '_');

/** package.json has another name too: under its own name it would make a package out of the template's files. */
export const unhidden = (path: string): string => {
  const name = posix.basename(path);
  const real = ['package.json', ...HIDDEN_BY_NPM].find((each) => name === `_${each.replace(/^\./, '')}`);
  return real === undefined ? path : `${path.slice(0, -name.length)}${real}`;
};

/**
 * Why a template is incomplete: it may write a file that npm leaves out of packages, and the file is missing. undefined
 * if nothing that divvy could notice is missing.
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
