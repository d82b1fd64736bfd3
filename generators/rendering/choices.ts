/** What a task is made from: its template, wherever that comes from, and its hooks. */

import type { Workshop } from '../change-set/environment.ts';
import { version } from '../package.ts';
import { contractText, hooksOf, readHooks } from '../project/hooks.ts';
import type { TeamSources } from '../project/manifest.ts';
import { badRef, tooOldForTemplate } from '../sources/errors.ts';
import {
  DEFAULT_TEMPLATE,
  findTemplate,
  isBuiltIn,
  type Template,
  type TemplateManifest,
  templates,
} from '../sources/templates.ts';
import { settleTrust } from '../sources/trusting.ts';
import type { Call } from '../terminal/command.ts';
import { unknownTemplate } from '../terminal/errors.ts';
import { flags } from '../terminal/flags.ts';
import { nearest } from '../terminal/nearest.ts';
import { isInteractive } from '../terminal/terminal.ts';

/** Where to look for templates besides this package. */
export interface Shelf {
  /** Absolute: relative paths on the command line start here. */
  readonly cwd: string;
  /** Absolute: relative paths in divvy.json and the lock start here. */
  readonly folder: string;
  /** The sources that a divvy.json names. */
  readonly sources: TeamSources;
}

/**
 * Settles the template, and whether it may do what it asks for.
 *
 * Rejects with a Refusal: with exit code 1 if divvy cannot get it, with 2 if there is none of that name, with 3 if the
 * template breaks the rules, with 4 if it needs trust.
 */
export async function settleTemplate(call: Call, shelf: Shelf, ask: Workshop['ask']): Promise<Template> {
  const { template: name } = call.values;
  const template =
    name !== undefined || !isInteractive(call)
      ? await templateNamed(call, name ?? DEFAULT_TEMPLATE, shelf)
      : findTemplate(await askForTemplate(ask));
  if (call.values.ref !== undefined && template.origin === undefined) {
    throw badRef(call.values.ref, `the template ${template.manifest.name} is in this package, and has no refs`);
  }
  await refuseUnmet(template.manifest);
  await settleTrust(call, template, ask);
  return template;
}

const askForTemplate = (ask: Workshop['ask']): Promise<string> =>
  ask({
    type: 'select',
    message: flags.template.question,
    choices: templates().map(({ name, description }) => ({ value: name, hint: description })),
  });

/** Whether a text is a source itself, and not the name of a template or a team. */
const isSource = (text: string): boolean => /^\.{0,2}[\\/]|^\.{1,2}$|:|\.(tgz|tar\.gz)$/i.test(text);

/**
 * The template that a name means: one of this package; `team/template` or `team`, if divvy.json names the team's
 * source; or one from a source.
 *
 * Rejects with a Refusal like settleTemplate.
 */
export async function templateNamed(call: Call, name: string, { cwd, folder, sources }: Shelf): Promise<Template> {
  if (isBuiltIn(name)) return findTemplate(name);
  if (isSource(name)) return fetched(call, name, call.values.ref, undefined, { cwd, recordedIn: folder });
  const at = name.indexOf('/');
  const [team, wanted] = at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
  const source = Object.hasOwn(sources, team) ? sources[team] : undefined;
  if (source === undefined) {
    const known = [...templates().map((template) => template.name), ...Object.keys(sources).map((each) => `${each}/…`)];
    throw unknownTemplate(name, known, nearest(name, known));
  }
  const { from, ref } = typeof source === 'string' ? { from: source, ref: undefined } : source;
  return fetched(call, from, call.values.ref ?? ref, wanted, { cwd: folder });
}

/** Exactly the template that the lock names for a task. */
export const templateAgain = (
  call: Call,
  { template, source, resolved }: { readonly template: string; readonly source?: string; readonly resolved?: string },
  folder: string,
): Promise<Template> =>
  source === undefined
    ? Promise.resolve(findTemplate(template))
    : fetched(call, source, undefined, template, { cwd: folder }, resolved);

/**
 * The newest version of the template that the lock names for a task: by `--ref`, else as divvy.json names the team's source,
 * else what the source is by default.
 *
 * expected - what it must resolve to, if that was decided before.
 *
 * Rejects with a Refusal like templateAgain, and with exit code 2 for a `--ref` of what is not in git.
 */
export async function newestTemplate(
  call: Call,
  { template, source }: { readonly template: string; readonly source: string },
  { folder, sources }: Pick<Shelf, 'folder' | 'sources'>,
  expected?: string,
): Promise<Template> {
  const { newestOf } = await import('../sources/newest.ts');
  const { text, ref } = newestOf(source, Object.values(sources));
  const newest = await fetched(call, text, call.values.ref ?? ref, template, { cwd: folder }, expected);
  await refuseUnmet(newest.manifest);
  return newest;
}

/** Loads the code that fetches only when there is something to fetch. */
async function fetched(
  { environment, terminal: { note } }: Call,
  text: string,
  ref: string | undefined,
  name: string | undefined,
  places: { readonly cwd: string; readonly recordedIn?: string },
  expected?: string,
): Promise<Template> {
  const { fetchTemplate } = await import('../sources/template.ts');
  return fetchTemplate(text, { ...places, environment, ref, expected, note }, name);
}

async function refuseUnmet({ name, requires = {} }: TemplateManifest): Promise<void> {
  if (requires.divvy === undefined && requires.node === undefined) return;
  const { isIn } = await import('../versions.ts');
  const has = { divvy: version, node: process.version };
  for (const [what, range] of Object.entries(requires) as ['divvy' | 'node', string][]) {
    if (!isIn(has[what], range)) throw tooOldForTemplate(name, what, range, has[what]);
  }
}

/** The hooks: those from --hooks, otherwise the template's own, otherwise by asking on a terminal. */
export async function settleHooks(call: Call, template: TemplateManifest, ask: Workshop['ask']): Promise<string[]> {
  const known = hooksOf(contractText());
  if (call.values.hooks !== undefined) return readHooks(call.values.hooks, known);
  const own = template.hooks ?? [];
  if (own.length > 0 || !isInteractive(call)) return readHooks(own.join(','), known);
  const choices = known.map(({ name, summary }) => ({ value: name, hint: summary }));
  const chosen = await ask({ type: 'checkbox', message: flags.hooks.question, choices });
  return readHooks(chosen.join(','), known);
}
