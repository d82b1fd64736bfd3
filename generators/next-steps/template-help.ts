/** The template's own part of `--help`: its questions, as flags. */

import { openProject, projectFolder } from '../project/manifest.ts';
import { templateNamed } from '../rendering/choices.ts';
import type { Prompt } from '../sources/templates.ts';
import { askedBy, askedInWords } from '../sources/trusting.ts';
import type { Call } from '../terminal/command.ts';
import type { FlagValues } from '../terminal/flags.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';
import { terminal } from '../terminal/terminal.ts';

/**
 * The prompts of the template that --template names, one on each line, and what it needs trust for.
 *
 * Rejects with a Refusal if divvy cannot get the template.
 */
export async function templateHelp(values: FlagValues, cwd: string): Promise<string> {
  const speech = terminal({ json: false, quiet: false });
  const call: Call = { shown: '', values, words: [], argv: [], cwd, environment: process.env, terminal: speech };
  const project = projectFolder(cwd) === undefined ? undefined : await openProject(cwd, speech);
  const shelf = { cwd, folder: project?.folder ?? cwd, sources: project?.manifest.templates ?? {} };
  const template = await templateNamed(call, values.template ?? '', shelf);
  const { name, description, prompts = [] } = template.manifest;
  const asks = template.origin === undefined ? [] : askedInWords(askedBy(template));
  return [
    `The template ${name}: ${harmless(description)}.`,
    ...(prompts.length === 0 ? ['It asks for nothing.'] : ['It asks for:', ...table(prompts.map(row))]),
    ...(asks.length === 0 ? [] : ['It needs trust, since it wants to:', ...asks.map((word) => `  ${word}`)]),
  ].join('\n');
}

function row(prompt: Prompt): readonly [string, string] {
  const { name, type, message, choices = [], when = {}, secret } = prompt;
  const answers =
    type === 'choice' ? choices.join('|') : { name: 'a-name', text: '…', number: '1', 'yes-no': 'yes|no' }[type];
  const only = Object.entries(when).map(([asked, value]) => `${asked}=${yesOrNo(value)}`);
  const remarks = [
    ...(prompt.default === undefined ? [] : [`(${yesOrNo(prompt.default)})`]),
    ...(only.length === 0 ? [] : [`only with ${only.join(', ')}`]),
    ...(secret ? ['secret: better by --data-file'] : []),
  ];
  return [harmless(`--data ${name}=${answers}`), harmless([message, ...remarks].join(' '))];
}

const yesOrNo = (value: string | number | boolean): string =>
  typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
