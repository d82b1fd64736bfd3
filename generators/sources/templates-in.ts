/** Finds the templates of a source: each folder with a manifest is one. */

import { parseSafely } from '../json/parse.ts';
import { whyNotAs } from '../schema/schema.ts';
import { nearest } from '../terminal/nearest.ts';
import type { Refusal } from '../terminal/refusal.ts';
import { badTemplate, noTemplateIn, whichTemplate } from './errors.ts';
import type { SourceFile } from './gathering.ts';
import { MANIFEST_OF_TEMPLATE, templateFolders } from './parts.ts';
import type { TemplateManifest } from './templates.ts';

const LARGEST_MANIFEST = 64 * 1024;

export interface FoundTemplate {
  /** Its folder in the source, with `/`; empty if it is the source itself. */
  readonly folder: string;
  readonly manifest: TemplateManifest;
  /** All files of that folder, including the manifest, with their paths inside it. */
  readonly files: readonly SourceFile[];
}

/** A template whose manifest is unusable. */
export interface BrokenTemplate {
  readonly folder: string;
  readonly refusal: Refusal;
}

/**
 * Finds the templates of a source. A manifest among another template's files does not count.
 *
 * shown - the source, as refusals name it.
 *
 * Resolves with the templates in the order of their folders, including unusable ones.
 */
export async function templatesIn(
  files: readonly SourceFile[],
  shown: string,
): Promise<readonly (FoundTemplate | BrokenTemplate)[]> {
  const folders = templateFolders(files.map(({ path }) => path));
  return Promise.all(folders.map((folder) => templateIn(files, folder, shown)));
}

/** folder - with a trailing `/`, or empty. */
async function templateIn(
  files: readonly SourceFile[],
  folder: string,
  shown: string,
): Promise<FoundTemplate | BrokenTemplate> {
  const own = files.flatMap((file) =>
    file.path.startsWith(folder) ? [{ ...file, path: file.path.slice(folder.length) }] : [],
  );
  const name = folder.replace(/\/$/, '');
  try {
    const manifest = await manifestIn(own);
    return { folder: name, manifest, files: own };
  } catch (error) {
    const refusal = badTemplate(shown, `${folder}${MANIFEST_OF_TEMPLATE}`, (error as Error).message);
    return { folder: name, refusal };
  }
}

async function manifestIn(files: readonly SourceFile[]): Promise<TemplateManifest> {
  const bytes = files.find(({ path }) => path === MANIFEST_OF_TEMPLATE)?.bytes ?? Buffer.alloc(0);
  if (bytes.length > LARGEST_MANIFEST) throw new Error(`it is larger than ${LARGEST_MANIFEST} bytes`);
  const value = parseSafely(bytes);
  const reason = await whyNotAs('templates/divvy.template.schema.json', value, MANIFEST_OF_TEMPLATE);
  if (reason !== undefined) throw new Error(reason);
  return value as TemplateManifest;
}

/**
 * Picks the wanted template.
 *
 * name - of the template, or of its folder; not needed if there is only one.
 * shown - the source, as refusals name it.
 *
 * Throws a Refusal: with exit code 2 if none or several match, with 3 if the manifest of the matching one is unusable.
 */
export function pickTemplate(
  found: readonly (FoundTemplate | BrokenTemplate)[],
  name: string | undefined,
  shown: string,
): FoundTemplate {
  const meant = name === undefined ? found : meantBy(found, name);
  const [first, second] = meant;
  if (first === undefined) {
    const names = found.flatMap((template) => ('manifest' in template ? template.manifest.name : []));
    throw noTemplateIn(shown, name, names, name === undefined ? undefined : nearest(name, names));
  }
  if (second !== undefined) throw whichTemplate(shown, meant.map(placeOf));
  if ('refusal' in first) throw first.refusal;
  return first;
}

/** By the name in the manifest, or by the folder's name if the manifest is unusable. */
const meantBy = (found: readonly (FoundTemplate | BrokenTemplate)[], name: string) =>
  found.filter((template) => ('manifest' in template ? template.manifest.name : lastOf(template.folder)) === name);

const lastOf = (folder: string): string => folder.slice(folder.lastIndexOf('/') + 1);

function placeOf(template: FoundTemplate | BrokenTemplate): string {
  const name = 'manifest' in template ? `: ${template.manifest.name}` : ' cannot be used';
  return `${template.folder === '' ? '(the source itself)' : template.folder}${name}`;
}
