/** One template of a source, fetched and ready to render. */

import { badTemplate } from './errors.ts';
import { type Fetching, fetchSource } from './fetch.ts';
import { whyLost } from './hidden.ts';
import { MANIFEST_OF_TEMPLATE } from './parts.ts';
import { parseSource } from './source.ts';
import type { Template } from './templates.ts';
import { type FoundTemplate, pickTemplate, templatesIn } from './templates-in.ts';

/**
 * text - the source, as somebody wrote it.
 * name - of the template in it; not needed if there is only one.
 *
 * Rejects with a Refusal like fetchSource, templatesIn, pickTemplate and usable.
 */
export async function fetchTemplate(text: string, fetching: Fetching, name: string | undefined): Promise<Template> {
  const source = parseSource(text);
  const { exact, identity, resolved, files } = await fetchSource(source, fetching);
  const found = pickTemplate(await templatesIn(files, source.shown), name, source.shown);
  return usable(found, { source: exact, identity, resolved }, source.shown);
}

const FILES = 'files/';
const TASK = 'tasks/example-task.ts';

export const asTemplate = ({ manifest, files }: FoundTemplate, origin: NonNullable<Template['origin']>): Template => ({
  manifest,
  files: files
    .filter(({ path }) => path.startsWith(FILES))
    .map((file) => ({ ...file, path: file.path.slice(FILES.length) })),
  origin,
});

/**
 * Makes a Template, if a task can be made from it.
 *
 * Throws a Refusal with exit code 3 if it has no task, or if it has lost a file on its way here.
 */
export function usable(found: FoundTemplate, origin: NonNullable<Template['origin']>, shown: string): Template {
  const template = asTemplate(found, origin);
  const folder = found.folder === '' ? '' : `${found.folder}/`;
  if (!template.files.some(({ path }) => path.replace(/\.ejs$/, '') === TASK)) {
    throw badTemplate(shown, `${folder}${FILES}${TASK}`, 'it is not there, and every template makes a task of it');
  }
  const lost = whyLost(template);
  if (lost !== undefined) throw badTemplate(shown, `${folder}${MANIFEST_OF_TEMPLATE}`, lost);
  return template;
}
