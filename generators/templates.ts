/** The built-in templates, and the names in them that are replaced. */

import { unknownTemplate } from './errors.ts';
import { className } from './names.ts';
import { nearest } from './nearest.ts';
import { filesBelow, packageFolder, read } from './package.ts';

/** divvy.template.json, as far as it is read here; templates/divvy.template.schema.json is its schema. */
export interface TemplateManifest {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly dependencies?: { readonly [name: string]: string };
  readonly nextSteps?: readonly string[];
}

export interface TemplateFile {
  /** Relative to the project, with `/`; the names in it are replaced. */
  readonly path: string;
  readonly bytes: Buffer;
}

export const DEFAULT_TEMPLATE = 'basic';

/** The order in which they are shown; any other one comes after these. */
const FIRST = [DEFAULT_TEMPLATE, 'dance-party', 'files', 'http', 'csv'];

export function templates(): TemplateManifest[] {
  const names = filesBelow('templates').flatMap((path) => /^([^/]+)\/divvy\.template\.json$/.exec(path)?.[1] ?? []);
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return names.sort((a, b) => rank(a) - rank(b)).map(manifestOf);
}

/** Throws a Refusal with exit code 2, and the nearest name, where there is no such template. */
export function findTemplate(name: string): TemplateManifest {
  const all = templates();
  const found = all.find((template) => template.name === name);
  if (found !== undefined) return found;
  const names = all.map((template) => template.name);
  throw unknownTemplate(name, names, nearest(name, names));
}

const manifestOf = (name: string): TemplateManifest =>
  JSON.parse(read(`templates/${name}/divvy.template.json`).toString('utf8')) as TemplateManifest;

/**
 * The files of a new project: what every project has, and over it what the template has.
 *
 * The names ExampleTask and example-task are replaced as whole words, in contents and paths, and `vendor/divvy` by the
 * folder that the runtime is put in. A file that ends in `.ejs` is rendered with EJS, from the package only.
 */
export async function projectFiles(template: TemplateManifest, given: Given): Promise<TemplateFile[]> {
  const project = await rendered('templates/_project', template, given);
  const own = await templateFiles(template, given);
  return [...project.filter(({ path }) => !own.some((other) => other.path === path)), ...own];
}

/** The files of a template alone. */
export const templateFiles = (template: TemplateManifest, given: Given): Promise<TemplateFile[]> =>
  rendered(`templates/${template.name}/files`, template, given);

interface Given {
  readonly task: string;
  readonly runtimeDir: string;
}

async function rendered(
  folder: string,
  template: TemplateManifest,
  { task, runtimeDir }: Given,
): Promise<TemplateFile[]> {
  const replace = (text: string) =>
    text
      .replace(/\bExampleTask\b/g, className(task))
      .replace(/(?<![\w-])example-task(?![\w-])/g, task)
      .replaceAll('vendor/divvy', runtimeDir);
  const given = { project: task, task, description: template.description, runtimeDir };
  const files: TemplateFile[] = [];
  for (const path of filesBelow(folder)) {
    const source = read(`${folder}/${path}`).toString('utf8');
    const isEjs = path.endsWith('.ejs');
    const text = isEjs ? await render(source, given) : replace(source);
    files.push({ path: replace(unhidden(isEjs ? path.slice(0, -'.ejs'.length) : path)), bytes: Buffer.from(text) });
  }
  return files;
}

/** npm leaves .gitignore out of a package, and a package.json in templates/ would be a package of its own. */
const unhidden = (path: string): string =>
  path.replace(/(^|\/)_package\.json$/, '$1package.json').replace(/(^|\/)_gitignore$/, '$1.gitignore');

async function render(source: string, given: object): Promise<string> {
  const { default: ejs } = await import('ejs');
  return ejs.render(source, given, { root: packageFolder });
}
