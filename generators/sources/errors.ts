/** The messages of refusals about templates from elsewhere. */

import { basename } from 'node:path';
import { noPart } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { didYouMean, lines, quoted, Refusal } from '../terminal/refusal.ts';

export const badSource = (shown: string, reason: string): Refusal =>
  new Refusal(
    2,
    `${quoted(shown)} isn't a template source: ${harmless(reason)}`,
    'Use one of: a folder (./templates), github:owner/repository, git+https://…, git+ssh://…, git+file:///… or another address that ' +
      'git takes, npm:name@version, or a .tgz by its path or its https://… address; after a #, the folder in it.',
  );

export const badRef = (ref: string, reason: string): Refusal =>
  new Refusal(2, `--ref ${quoted(ref)}: ${reason}`, 'Give a branch, a tag, or a whole commit id, of a source in git.');

export const sourceNotFetched = (shown: string, reason: string, remedy: string): Refusal =>
  new Refusal(1, `${quoted(shown)} could not be fetched: ${harmless(reason)}`, remedy);

export const otherRegistry = (
  shown: string,
  ignored: { readonly [name in 'file' | 'key' | 'registry' | 'says']: string } & { readonly line: number },
  registry: string,
): Refusal =>
  sourceNotFetched(
    shown,
    `${ignored.file}:${ignored.line} says ${ignored.says}. A project's ${basename(ignored.file)} is not read for templates, ` +
      `so ${registry} would be asked, where anybody may have taken the name`,
    `Nothing was asked. If you trust that line, make it your own: npm config set ${ignored.key}=${ignored.registry} --location=user`,
  );

export const nothingWithin = (shown: string, within: string, isGit: boolean): Refusal =>
  new Refusal(
    2,
    `${quoted(shown)} has no folder ${quoted(within)}`,
    `Behind the # write a folder of the source.${isGit ? ' Give a branch, a tag or a commit with --ref.' : ''}`,
  );

export const unsafeSource = (shown: string, path: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is refused, for ${quoted(path)}: ${harmless(reason)}`,
    'Nothing of it is used. Tell its author.',
  );

export const sourceTooLarge = (
  shown: string,
  reason: string,
  remedy = 'Templates are small. Nothing of it is used.',
): Refusal => new Refusal(3, `${quoted(shown)} is refused: ${harmless(reason)}`, remedy);

export const brokenArchive = (shown: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is not an archive that can be read: ${harmless(reason)}`,
    'It must be a .tgz, as `npm pack` and `tar czf` make them.',
  );

export const sourceMoved = (shown: string, expected: string, resolved: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is no longer what it was: it was ${expected}, and is ${resolved}`,
    'Nothing of it is used. Ask its author; or use it anew, as another version.',
  );

export const badTemplate = (shown: string, file: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(file)} in ${quoted(shown)} cannot be used: ${harmless(reason)}`,
    'Tell its author: `divvy template check` says the same.',
  );

export const noTemplateIn = (
  shown: string,
  name: string | undefined,
  there: readonly string[],
  nearest: string | undefined,
): Refusal =>
  new Refusal(
    2,
    name === undefined
      ? `${quoted(shown)} has no template: no folder in it has a divvy.template.json`
      : `${quoted(shown)} has no template ${quoted(name)}`,
    there.length === 0 ? 'Give another source.' : `${didYouMean(nearest)}There are: ${there.map(harmless).join(', ')}.`,
  );

export const whichTemplate = (shown: string, there: readonly string[]): Refusal =>
  new Refusal(2, `${quoted(shown)} has several templates`, `Name the folder of one after a #:${lines(there)}`);

export const needsTrust = (template: string, source: string, resolved: string, asked: readonly string[]): Refusal =>
  new Refusal(
    4,
    `the template ${template}, from ${quoted(source)} at ${resolved}, wants to:${lines(asked)}`,
    'Nothing was changed. Read the template. If you trust it, add --trust: divvy then trusts this version of it, and no other.',
  );

export const tooOldForTemplate = (template: string, what: string, range: string, has: string): Refusal =>
  new Refusal(
    2,
    `the template ${template} needs ${what === 'divvy' ? 'create-divvy-task' : 'Node.js'} ${harmless(range)}, and this is ${has}`,
    what === 'divvy' ? 'Use that version: npx create-divvy-task@latest …' : 'Use that Node.js.',
  );

export const templateFileRefused = (template: string, path: string, reason: string): Refusal =>
  new Refusal(
    3,
    `the template ${harmless(template)} may not write ${quoted(path)}: ${reason}`,
    'Nothing was changed. Tell its author: `divvy template check` says the same.',
  );

export const templateNotRendered = (path: string, line: number, reason: string): Refusal =>
  new Refusal(
    3,
    `${harmless(path)}:${line}: ${harmless(reason)}`,
    "Nothing was changed. Give another answer, or tell the template's author.",
  );

export const noTemplateCommand = (command: string, word: string | undefined, nearest: string | undefined): Refusal =>
  noPart(
    command,
    word,
    nearest,
    `\`${command} list\`, \`${command} new <name>\`, \`${command} check [folder]\` or \`${command} test [folder]\``,
  );

export const noNameForTemplate = (command: string): Refusal =>
  new Refusal(2, 'the new template has no name', `Write \`${command} <name>\`, such as ${command} team-backfill.`);

export const badTemplateName = (name: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(name)} cannot be the name of a template: ${reason}`, 'Try another, such as team-backfill.');

export const badCase = (file: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: ${harmless(reason)}`,
    'A set of answers is { "answers": { "prompt": "…" }, "hooks": ["…"] }; `divvy template check` lists every fault.',
  );

export const nothingToTestWith = (packages: readonly string[], reason: string): Refusal =>
  new Refusal(
    1,
    `nothing was tested: ${packages.join(', ')} are not installed above the template, and npm could not install them: ${reason}`,
    'Install them beside the template: npm install --save-dev typescript @types/node.',
  );
