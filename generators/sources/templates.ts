/** Templates, and those that this package has. */

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

/** divvy.template.json; templates/divvy.template.schema.json is its schema. */
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
  /** Its owner may run it; only where so. */
  readonly isExecutable?: true;
}

/** Where a template comes from that is not of this package. */
export interface Origin {
  /** As the lock has it: with `resolved` it brings the very same again. */
  readonly source: string;
  /** As what is trusted is remembered by. */
  readonly identity: string;
  /** A commit, or an integrity hash. */
  readonly resolved: string;
}

export interface Template {
  readonly manifest: TemplateManifest;
  /** What is below its folder `files`, by the paths there. */
  readonly files: readonly TemplateFile[];
  readonly origin?: Origin;
}

export const DEFAULT_TEMPLATE = 'basic';

/** The order in which they are shown; any other one comes after these. */
const FIRST = [DEFAULT_TEMPLATE, 'dance-party', 'files', 'http', 'csv'];

/** The manifests of the templates of this package. */
export const templates = (): TemplateManifest[] => templateNames().map(manifestOf);

function templateNames(): string[] {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  // The others are no templates, but parts of projects.
  const names = foldersIn('templates').filter((name) => !name.startsWith('_'));
  return names.sort((a, b) => rank(a) - rank(b));
}

/** Throws a Refusal with exit code 2, and the nearest name, where this package has no such template. */
export function findTemplate(name: string): Template {
  const names = templateNames();
  if (names.includes(name)) return { manifest: manifestOf(name), files: filesOf(`templates/${name}/files`) };
  throw unknownTemplate(name, names, nearest(name, names));
}

export const isBuiltIn = (name: string): boolean => templateNames().includes(name);

/** The files of a new template, which is one to start from. */
export const newTemplateFiles = (): readonly TemplateFile[] => filesOf('templates/_template');

/** What every new project has, beside its template. */
export const projectTemplateFiles = (): readonly TemplateFile[] => filesOf('templates/_project');

const filesOf = (folder: string): TemplateFile[] =>
  filesBelow(folder).map((path) => ({ path, bytes: read(`${folder}/${path}`) }));

const manifestOf = (name: string): TemplateManifest =>
  parseJson(read(`templates/${name}/divvy.template.json`)) as TemplateManifest;
