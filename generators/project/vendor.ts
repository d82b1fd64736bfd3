/** The runtime as a project gets it: runtime/ byte for byte, and the files that make it stand alone. */

import { sha256 } from '../disk/line-ends.ts';
import { filesBelow, read, version } from '../package.ts';
import { type Part, partOf } from './parts.ts';

/**
 * Every file of the vendored runtime, without its parts on demand.
 *
 * folder - where it goes, relative to the project, with `/`.
 *
 * SHA256SUMS has the format of `sha256sum`: `cd vendor/divvy && sha256sum -c SHA256SUMS` checks it.
 */
export function vendoredRuntime(folder: string): { path: string; after: Buffer }[] {
  const everywhere = filesBelow('runtime').filter((path) => partOf(path) === undefined);
  const files = new Map(everywhere.map((path) => [path, read(`runtime/${path}`)]));
  files.set('LICENSE', read('LICENSE'));
  files.set('VERSION', Buffer.from(`${version}\n`));
  // Its own package.json, so that the .ts files are modules, no matter what the package around them says.
  files.set('package.json', Buffer.from('{\n  "type": "module"\n}\n'));
  // Keeps git from changing line endings, so that the sums hold on every machine.
  files.set('.gitattributes', Buffer.from('* -text\n'));
  const sums = [...files].sort(byName).map(([path, bytes]) => `${sha256(bytes)}  ${path}\n`);
  files.set('SHA256SUMS', Buffer.from(sums.join('')));
  return [...files].sort(byName).map(([path, after]) => ({ path: `${folder}/${path}`, after }));
}

/** The files of one part, below the folder of the runtime. */
export const filesOfPart = (part: Part, folder: string): { path: string; after: Buffer }[] =>
  vendoredIf((path) => partOf(path) === part, folder);

/** The files of all parts. */
export const onDemand = (folder: string): { path: string; after: Buffer }[] =>
  vendoredIf((path) => partOf(path) !== undefined, folder);

const vendoredIf = (isWanted: (path: string) => boolean, folder: string): { path: string; after: Buffer }[] =>
  filesBelow('runtime')
    .filter(isWanted)
    .map((path) => ({ path: `${folder}/${path}`, after: read(`runtime/${path}`) }));

const byName = ([a]: [string, Buffer], [b]: [string, Buffer]): number => (a < b ? -1 : 1);
