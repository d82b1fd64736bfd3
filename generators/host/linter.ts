/** The package's own linters, told to leave what is vendored alone: by their list, or, where that is a program, by its owner. */

import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Hint, unwritten } from './hints.ts';
import type { HostFile } from './host-file.ts';
import type { Place } from './place.ts';

/**
 * folder - that is to be left alone, relative to the package.
 * open   - opens one of the package's files; undefined where it is not there.
 *
 * Returns what has to be written by hand.
 */
export function leaveAloneInLinters(
  { root, levels }: Place,
  folder: string,
  open: (path: string, dialect: 'jsonc' | 'lines') => HostFile | undefined,
): Hint[] {
  const hints: (Hint & { names: string })[] = [];
  for (const { folder: home, packageJson } of levels) {
    const names = readdirSync(home);
    const path = relative(home, join(root, folder)).replaceAll('\\', '/');
    const shown = (name: string) => relative(root, join(home, name)).replaceAll('\\', '/');
    const flat = names.find((name) => /^eslint\.config\.\w+$/.test(name));
    const isOld = names.some((name) => /^\.eslintrc(\.\w+)?$/.test(name)) || packageJson?.has('eslintConfig');
    if (flat !== undefined) hints.push({ file: shown(flat), line: `{ ignores: ['${path}/'] },`, names: path });
    else if (isOld || (names.includes('.eslintignore') && packageJson?.dependsOn('eslint'))) {
      const file = home === root ? open('.eslintignore', 'lines') : undefined;
      if (file) file.putLines([`${path}/`]);
      else hints.push({ file: shown('.eslintignore'), line: `${path}/`, names: path });
    }
    if (names.includes('.oxlintrc.json')) {
      const file = home === root ? open('.oxlintrc.json', 'jsonc') : undefined;
      if (file) file.putElement(['ignorePatterns'], `${path}/`);
      else hints.push({ file: shown('.oxlintrc.json'), line: `"ignorePatterns": ["${path}/"]`, names: path });
    }
  }
  return unwritten(root, hints);
}
