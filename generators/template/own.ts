/** The templates in their author's own folder. */

import { resolve } from 'node:path';
import { realRoot } from '../change-set/survey.ts';
import { noTemplateIn } from '../sources/errors.ts';
import { readFolder } from '../sources/folder.ts';
import type { SourceFile } from '../sources/gathering.ts';
import { type BrokenTemplate, type FoundTemplate, templatesIn } from '../sources/templates-in.ts';
import type { Call } from '../terminal/command.ts';

export interface OwnTemplates {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** With their paths relative to the root. */
  readonly files: readonly SourceFile[];
  /** Empty folders, which no kind of source passes on. */
  readonly emptyFolders: readonly string[];
  readonly found: readonly (FoundTemplate | BrokenTemplate)[];
}

/** Rejects with a Refusal: with exit code 1 if there is no such folder, with 2 if there is no template in it. */
export async function ownTemplates({ cwd, words }: Call): Promise<OwnTemplates> {
  const [shown = '.'] = words;
  const { files, emptyFolders } = readFolder({ kind: 'folder', path: shown, shown, within: '' }, cwd);
  const found = await templatesIn(files, shown);
  if (found.length === 0) throw noTemplateIn(shown, undefined, [], undefined);
  return { root: realRoot(resolve(cwd, shown)), files, emptyFolders, found };
}
