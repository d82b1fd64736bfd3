/** The runtime, as it is put into a project: runtime/ byte for byte, and beside it what makes it stand alone. */

import { sha256 } from '../change-set/survey.ts';
import { filesBelow, read, version } from '../package.ts';

/**
 * Every file of the vendored runtime.
 *
 * folder - where it goes, relative to the project, with `/`.
 *
 * SHA256SUMS is as `sha256sum` writes it: `cd vendor/divvy && sha256sum -c SHA256SUMS` checks it.
 */
export function vendoredRuntime(folder: string): { path: string; after: Buffer }[] {
  const files = new Map(filesBelow('runtime').map((path) => [path, read(`runtime/${path}`)]));
  files.set('LICENSE', read('LICENSE'));
  files.set('VERSION', Buffer.from(`${version}\n`));
  // Its own, so that the .ts files are modules whatever the package around them says.
  files.set('package.json', Buffer.from('{\n  "type": "module"\n}\n'));
  // So that git changes no line ending in it, and the sums hold on every machine.
  files.set('.gitattributes', Buffer.from('* -text\n'));
  const sums = [...files].sort(byName).map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`);
  files.set('SHA256SUMS', Buffer.from(sums.join('')));
  return [...files].sort(byName).map(([path, after]) => ({ path: `${folder}/${path}`, after }));
}

const byName = ([a]: [string, Buffer], [b]: [string, Buffer]): number => (a < b ? -1 : 1);
