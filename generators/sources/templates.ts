/** Types of templates, and the templates of this package. */

import { parseJson } from '../json/parse.ts';
import { filesBelow, foldersIn, read } from '../package.ts';
import { unknownTemplate } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';

export interface Prompt {
  readonly name: string;
  readonly type: 'name' | 'text' | 'number' | 'choice' | 'yes-no';
  readonly message: string;
  readonly default?: string | number | boolean;
  readonly pattern?: string;
  readonly choices?: readonly string[];
  readonly when?: { readonly [prompt: string]: string | number | boolean };
  readonly secret?: boolean;
}

export interface Permissions {
  readonly write?: readonly string[];
  readonly packageJson?: {
    readonly scripts?: { readonly [name: string]: string };
    readonly devDependencies?: { readonly [name: string]: string };
  };
  readonly run?: readonly (readonly string[])[];
}

/** divvy.template.json; its schema is templates/divvy.template.schema.json. */
export interface TemplateManifest {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly requires?: { readonly divvy?: string; readonly node?: string };
  readonly prompts?: readonly Prompt[];
  readonly permissions?: Permissions;
  readonly dependencies?: { readonly [name: string]: string };
  readonly hooks?: readonly string[];
  readonly nextSteps?: readonly string[];
}

export interface TemplateFile {
  /** With `/`. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Set only if its owner may run it. */
  readonly isExecutable?: true;
}

/** Where a template from outside this package comes from. */
export interface Origin {
  /** As the lock writes it: together with `resolved` it gives exactly the same files again. */
  readonly source: string;
  /** As the record of trust writes it. */
  readonly identity: string;
  /** A commit, or an integrity hash. */
  readonly resolved: string;
}

export interface Template {
  readonly manifest: TemplateManifest;
  /** The contents of its folder `files`, with their paths inside it. */
  readonly files: readonly TemplateFile[];
  readonly origin?: Origin;
}

export const DEFAULT_TEMPLATE = 'basic';

/** These templates are listed first, in this order. */
const FIRST = [DEFAULT_TEMPLATE, 'dance-party', 'files', 'http', 'csv'];

/** The manifests of the templates of this package. */
export const templates = (): TemplateManifest[] => templateNames().map(manifestOf);

function templateNames(): string[] {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  // The folders that start with _ are no templates, but parts of projects.
  const names = foldersIn('templates').filter((name) => !name.startsWith('_'));
  return names.sort((a, b) => rank(a) - rank(b));
}

/** Throws a Refusal with exit code 2, with the nearest name, if this package has no such template. */
export function findTemplate(name: string): Template {
  const names = templateNames();
  if (names.includes(name)) return { manifest: manifestOf(name), files: filesOf(`templates/${name}/files`) };
  throw unknownTemplate(name, names, nearest(name, names));
}

export const isBuiltIn = (name: string): boolean => templateNames().includes(name);

/** The files that a new template starts with. */
export const newTemplateFiles = (): readonly TemplateFile[] => filesOf('templates/_template');

/** The files that every new project gets in addition to its template's. */
export const projectTemplateFiles = (): readonly TemplateFile[] => filesOf('templates/_project');

const filesOf = (folder: string): TemplateFile[] =>
  filesBelow(folder).map((path) => ({ path, bytes: read(`${folder}/${path}`) }));

const manifestOf = (name: string): TemplateManifest =>
  parseJson(read(`templates/${name}/divvy.template.json`)) as TemplateManifest;
