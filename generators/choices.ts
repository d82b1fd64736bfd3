/** What a task is made from: its template, that template's answers, and the hooks. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Call } from './command.ts';
import type { Workshop } from './environment.ts';
import { badData, badDataFile, unknownAnswer } from './errors.ts';
import { flags } from './flags.ts';
import { contractText, hooksOf, readHooks } from './hooks.ts';
import { DEFAULT_TEMPLATE, findTemplate, type TemplateManifest, templates } from './templates.ts';
import { isInteractive } from './terminal.ts';

export async function settleTemplate(call: Call, ask: Workshop['ask']): Promise<TemplateManifest> {
  const { template } = call.values;
  if (template !== undefined || !isInteractive(call)) return findTemplate(template ?? DEFAULT_TEMPLATE);
  const choices = templates().map(({ name, description }) => ({ value: name, hint: description }));
  return findTemplate(await ask({ type: 'select', message: flags.template.question, choices }));
}

export async function settleHooks(call: Call, ask: Workshop['ask']): Promise<string[]> {
  const known = hooksOf(contractText());
  if (call.values.hooks !== undefined) return readHooks(call.values.hooks, known);
  if (!isInteractive(call)) return [];
  const choices = known.map(({ name, summary }) => ({ value: name, hint: summary }));
  const chosen = await ask({ type: 'checkbox', message: flags.hooks.question, choices });
  return readHooks(chosen.join(','), known);
}

/** The built-in templates ask nothing of their own, so whatever is given here is a mistake. */
export function refuseUnknownAnswers(call: Call, template: TemplateManifest): void {
  for (const pair of call.values.data ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw badData(pair);
    throw unknownAnswer(pair.slice(0, at), template.name);
  }
  const file = call.values['data-file'];
  if (file === undefined) return;
  const [first] = Object.keys(readDataFile(resolve(call.cwd, file), file));
  if (first !== undefined) throw unknownAnswer(first, template.name);
}

function readDataFile(path: string, shown: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw badDataFile(shown, (error as Error).message);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw badDataFile(shown, 'it is no object');
  return parsed;
}
