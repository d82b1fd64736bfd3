/** What a template from elsewhere asks for, and whether somebody trusts it. */

import { dirname, join, sep } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { realRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { commandLine } from '../programs/shell.ts';
import type { Call } from '../terminal/command.ts';
import { cancelled } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { needsTrust } from './errors.ts';
import type { Template } from './templates.ts';
import { homeFolder, isTrusted, remember, type Trust, trustFolder } from './trust.ts';

/** What a template would do beyond writing a task and its test. A template that is only data does none of this. */
interface Asked {
  /** Files that contain code, which runs to render them. */
  readonly ejs: readonly string[];
  readonly write: readonly string[];
  readonly scripts: { readonly [name: string]: string };
  /** Packages, whose install scripts a package manager may run. */
  readonly packages: { readonly [name: string]: string };
  readonly run: readonly (readonly string[])[];
}

export function askedBy({ manifest, files }: Template): Asked {
  const { permissions = {}, dependencies = {} } = manifest;
  return {
    ejs: files.filter(({ path }) => path.endsWith('.ejs')).map(({ path }) => path),
    write: permissions.write ?? [],
    scripts: permissions.packageJson?.scripts ?? {},
    packages: { ...dependencies, ...permissions.packageJson?.devDependencies },
    run: permissions.run ?? [],
  };
}

/** In words, one line each; none for a template that is only data. */
export function askedInWords({ ejs, write, scripts, packages, run }: Asked): string[] {
  const pairs = (of: { readonly [name: string]: string }, between: string) =>
    Object.entries(of).map(([name, value]) => `${name}${between}${value}`);
  return [
    ...(ejs.length > 0 ? [`run code of its own to make these files: ${ejs.join(', ')}`] : []),
    ...(write.length > 0 ? [`write outside of tasks and tests: ${write.join(', ')}`] : []),
    ...pairs(scripts, ' = ').map((script) => `put a script into package.json: ${script}`),
    ...(Object.keys(packages).length > 0
      ? [`install packages, which may run scripts: ${pairs(packages, ' ').join(', ')}`]
      : []),
    ...run.map((argv) => `run a command: ${commandLine(argv)}`),
  ].map(harmless);
}

/**
 * Settles whether a template may do what it asks for. A yes counts for this source, the version that it resolved to,
 * and these permissions; for anything else divvy asks again.
 *
 * Rejects with a Refusal: with exit code 4 if it needs a yes and there is nobody to ask, with 1 if the person says no.
 */
export async function settleTrust(call: Call, template: Template, ask: Workshop['ask']): Promise<void> {
  const { origin, manifest } = template;
  const asked = askedBy(template);
  const words = askedInWords(asked);
  if (origin === undefined || words.length === 0) return;
  const { identity: source, resolved } = origin;
  const folder = trustFolder(call.environment);
  const wanted = { source, resolved, template: manifest.name, permissions: asked };
  const isForeign = folder !== undefined && isBroughtAlong(folder, call.cwd);
  const trust: Trust = isForeign
    ? { isTrusted: false, broken: `${folder} is in the project that is here, and may have come with it` }
    : isTrusted(folder, wanted);
  if (trust.isTrusted) return;
  if (trust.broken !== undefined)
    call.terminal.note(`What was trusted before does not count: ${harmless(trust.broken)}`);
  if (call.values.trust !== true) {
    if (!isInteractive(call)) throw needsTrust(manifest.name, source, resolved, words);
    const lines = [`${manifest.name}, from ${source}, at ${resolved}, wants to:`, ...words.map((word) => `  ${word}`)];
    call.terminal.say(lines.map(harmless).join('\n'));
    const choices = [
      { value: 'no', hint: 'write nothing' },
      { value: 'yes', hint: 'do all of that, now and when it is the same again' },
    ];
    if ((await ask({ type: 'select', message: 'Do you trust it?', choices })) !== 'yes') throw cancelled();
  }
  const reason = isForeign ? `${folder} is in the project that is here` : remember(folder, wanted);
  if (reason !== undefined)
    call.terminal.note(`That it is trusted could not be written down, and is asked again: ${reason}`);
}

/**
 * Whether the folder of the trust records is in the project that the command runs in: then the project's author may
 * have written the yes.
 */
function isBroughtAlong(folder: string, cwd: string): boolean {
  const [inside, home] = [`${realRoot(folder)}${sep}`, realRoot(homeFolder() ?? sep)];
  for (let above = realRoot(cwd); above !== home && above !== dirname(above); above = dirname(above)) {
    const isProject = ['.git', MANIFEST, PACKAGE_JSON].some((name) => stat(join(above, name)) !== undefined);
    if (isProject && inside.startsWith(`${above}${sep}`)) return true;
  }
  return false;
}
