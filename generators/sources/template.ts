/** One template of a source, fetched and ready to be rendered. */

import type { Template } from '../templates.ts';
import { type Fetching, fetchSource } from './fetch.ts';
import { parseSource } from './source.ts';
import { type FoundTemplate, pickTemplate, templatesIn } from './templates-in.ts';

/**
 * text - the source, as somebody wrote it.
 * name - of the template in it; not needed where there is one.
 *
 * Rejects with a Refusal as fetchSource, templatesIn and pickTemplate do.
 */
export async function fetchTemplate(text: string, fetching: Fetching, name: string | undefined): Promise<Template> {
  const source = parseSource(text);
  const { exact, identity, resolved, files } = await fetchSource(source, fetching);
  const found = pickTemplate(await templatesIn(files, source.shown), name, source.shown);
  return asTemplate(found, { source: exact, identity, resolved });
}

const FILES = 'files/';

export const asTemplate = ({ manifest, files }: FoundTemplate, origin: NonNullable<Template['origin']>): Template => ({
  manifest,
  files: files
    .filter(({ path }) => path.startsWith(FILES))
    .map((file) => ({ ...file, path: file.path.slice(FILES.length) })),
  origin,
});
