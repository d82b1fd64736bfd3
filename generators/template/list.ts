/** `divvy template list`: the templates of this package, and those of each source that divvy.json names. */

import { version } from '../package.ts';
import { openProject, projectFolder, type TeamSources } from '../project/manifest.ts';
import { fetchSource } from '../sources/fetch.ts';
import { parseSource } from '../sources/source.ts';
import { usable } from '../sources/template.ts';
import { type TemplateManifest, templates } from '../sources/templates.ts';
import { templatesIn } from '../sources/templates-in.ts';
import { askedBy, askedInWords } from '../sources/trusting.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';
import { Refusal } from '../terminal/refusal.ts';

interface Listed {
  /** The name to give to --template. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** What it needs trust for, in words; empty for a template that is only data. */
  readonly asks: readonly string[];
}

/** An unusable template, or a source that divvy cannot get. */
interface Broken {
  readonly name: string;
  readonly error: string;
}

interface Source {
  readonly team: string;
  readonly from: string;
  readonly resolved?: string;
  readonly templates: readonly (Listed | Broken)[];
  /** Why divvy cannot get the source. */
  readonly error?: string;
}

/** Resolves with 0, even if divvy cannot get a source: the list says so. */
export async function list(call: Call): Promise<Exit> {
  const { cwd, terminal } = call;
  const project = projectFolder(cwd) === undefined ? undefined : await openProject(cwd, terminal);
  const own = templates().map((manifest) => listed(manifest, manifest.name, []));
  const named = Object.entries(project?.manifest.templates ?? {});
  const sources = await Promise.all(named.map(([team, source]) => look(call, team, source, project?.folder ?? cwd)));
  const { style } = terminal;
  terminal.say([style.strong('Of this package'), ...table(own.map(row))].join('\n'));
  for (const source of sources) terminal.say(['', ...inWords(source, style.strong)].join('\n'));
  if (sources.length === 0) {
    const why = project === undefined ? 'there is no divvy.json here or above' : 'divvy.json names no "templates"';
    terminal.say(`\n${style.strong('Of your team')}\n  none: ${why}`);
  }
  terminal.result({ command: 'template list', version, templates: own, sources });
  return 0;
}

const listed = ({ description, version }: TemplateManifest, name: string, asks: readonly string[]): Listed => ({
  name,
  description,
  version,
  asks,
});

async function look(call: Call, team: string, named: TeamSources[string], folder: string): Promise<Source> {
  const { from, ref } = typeof named === 'string' ? { from: named, ref: undefined } : named;
  try {
    const source = parseSource(from);
    const fetched = await fetchSource(source, {
      cwd: folder,
      environment: call.environment,
      ref,
      note: call.terminal.note,
    });
    const found = await templatesIn(fetched.files, source.shown);
    const { exact, identity, resolved } = fetched;
    const all = found.map((each) => {
      if ('refusal' in each) return { name: `${team}/${each.folder}`, error: each.refusal.message };
      const name = `${team}/${each.manifest.name}`;
      try {
        const template = usable(each, { source: exact, identity, resolved }, source.shown);
        return listed(each.manifest, name, askedInWords(askedBy(template)));
      } catch (error) {
        if (error instanceof Refusal) return { name, error: error.message };
        throw error;
      }
    });
    return { team, from: source.shown, resolved, templates: all };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // If divvy cannot parse the source, there may be a password in it, so do not show it.
    return { team, from: shownOf(from), templates: [], error: error.message };
  }
}

function shownOf(from: string): string {
  try {
    return parseSource(from).shown;
  } catch {
    return '';
  }
}

function inWords({ team, from, templates: all, error }: Source, strong: (text: string) => string): string[] {
  const head = `${strong(harmless(team))}${from === '' ? '' : `, from ${harmless(from)}`}`;
  if (error !== undefined) return [head, `  cannot be had: ${error}`];
  return [head, ...(all.length === 0 ? ['  none: no folder in it has a divvy.template.json'] : table(all.map(row)))];
}

function row(each: Listed | Broken): readonly [string, string] {
  if ('error' in each) return [harmless(each.name), `cannot be used: ${each.error}`];
  const trust = each.asks.length === 0 ? '' : ` (needs trust, to ${each.asks.join('; ')})`;
  return [harmless(each.name), `${harmless(each.description)}${trust}`];
}
