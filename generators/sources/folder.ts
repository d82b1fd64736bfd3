/** A folder on this machine as a source. */

import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stat } from '../disk/disk.ts';
import { Refusal } from '../terminal/refusal.ts';
import { sourceNotFetched } from './errors.ts';
import { Gathering, integrityOfFiles, type SourceFile } from './gathering.ts';
import { isLeftOverName, isOfOtherPrograms } from './leftovers.ts';
import { MANIFEST_OF_TEMPLATE } from './parts.ts';
import type { FolderSource } from './source.ts';

/**
 * Reads all files of a folder. Follows the link if the person named one, but none inside it.
 *
 * Throws a Refusal with exit code 1 if there is no such folder or divvy cannot read all of it, and with exit code 3
 * like Gathering.
 */
export function readFolder(
  { path, shown }: FolderSource,
  cwd: string,
): { resolved: string; files: readonly SourceFile[]; emptyFolders: readonly string[] } {
  const root = rootOf(resolve(cwd, path), shown);
  const gathering: Gathering = new Gathering(shown);
  const walk = (below: string, isOfTemplate: boolean): void => {
    const names = readdirSync(join(root, below)).sort();
    const isTemplate = names.includes(MANIFEST_OF_TEMPLATE);
    for (const name of names) {
      const here = below === '' ? name : `${below}/${name}`;
      // Do not even look into it: it may be large. If it is among a template's files, it is refused.
      if (isLeftOverName(name) || (!isOfTemplate && isOfOtherPrograms(name))) continue;
      const state = stat(join(root, here));
      if (state === undefined) gathering.refuse(here, 'its name is not UTF-8, or it is gone meanwhile');
      if (state.isDirectory()) {
        gathering.announceFolder(here);
        walk(here, isOfTemplate || (isTemplate && name === 'files'));
      } else if (state.isFile()) {
        if (gathering.announce(here, state.size))
          gathering.keep(here, readFileSync(join(root, here)), (state.mode & 0o100) !== 0);
      } else gathering.setAside(here, state.isSymbolicLink() ? 'it is a symbolic link' : 'it is no plain file');
    }
  };
  try {
    walk('', false);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw sourceNotFetched(shown, (error as Error).message, 'Look whether you may read all that is in it.');
  }
  const files = gathering.files();
  return { resolved: integrityOfFiles(files), files, emptyFolders: gathering.emptyFolders() };
}

function rootOf(path: string, shown: string): string {
  try {
    const root = realpathSync(path);
    if (stat(root)?.isDirectory()) return root;
  } catch (error) {
    throw sourceNotFetched(shown, (error as Error).message, 'Name a folder that exists.');
  }
  throw sourceNotFetched(shown, 'it is no folder', 'Name a folder, or an archive that ends in .tgz or .tar.gz.');
}
