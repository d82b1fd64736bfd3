/**
 * The answers that a new project is made from: from flags, otherwise by asking on a terminal, otherwise the defaults,
 * if there are any.
 */

import { readdirSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { recoverFirst } from '../change-set/recovering.ts';
import { realRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { whyOwned } from '../disk/paths.ts';
import { type PackageManager, packageManagerFor } from '../programs/package-manager.ts';
import { nearestTaskName, whyNotTaskName } from '../project/names.ts';
import { runtimeFolder } from '../project/runtime-folder.ts';
import { settleAnswers as settleTemplateAnswers, type Answers as TemplateAnswers } from '../rendering/answers.ts';
import { settleHooks, settleTemplate } from '../rendering/choices.ts';
import { whyClashing } from '../rendering/clashes.ts';
import type { Answer } from '../rendering/placeholders.ts';
import { isLeftOverName } from '../sources/leftovers.ts';
import type { Template } from '../sources/templates.ts';
import type { Call } from '../terminal/command.ts';
import { badFolder, badTaskName, folderNotEmpty, missingAnswer } from '../terminal/errors.ts';
import { whyNoHome, withHome } from '../terminal/home.ts';
import { isInteractive } from '../terminal/terminal.ts';

export interface Answers {
  /** The project's folder, as it was given. */
  readonly folder: string;
  /** The same folder, as a person would type it after `cd`. */
  readonly shown: string;
  /** The same folder, absolute and without symbolic links. */
  readonly root: string;
  readonly task: string;
  readonly template: Template;
  /** The answers to the template's prompts. */
  readonly answers: TemplateAnswers;
  readonly hooks: readonly string[];
  /** Relative to the project, with `/`. */
  readonly runtimeDir: string;
  readonly packageManager: PackageManager;
}

const DEFAULT_FOLDER = 'my-task';

/**
 * A folder with only these (and files that systems leave behind) counts as empty: for example a repository without
 * files.
 */
const COUNTS_AS_NOTHING = new Set(['.git', '.divvy']);

/**
 * Settles every answer. Refuses as early as possible, before asking the next question.
 *
 * isPreview - write nothing, not even to repair a command that was cut short.
 *
 * Rejects with a Refusal if an answer is invalid or missing, or if no project can be in the folder.
 */
export async function settleAnswers(call: Call, isPreview: boolean, ask: Workshop['ask']): Promise<Answers> {
  const mayAsk = isInteractive(call);
  const runtimeDir = runtimeFolder(call.values['runtime-dir']);
  if (call.values.name !== undefined) refuseName(call.values.name, false);

  const folder = await settleFolder(call, mayAsk, ask);
  const task = call.values.name ?? basename(resolve(call.cwd, folder));
  refuseName(task, call.values.name === undefined);
  const root = rootOf(call.cwd, folder);
  if (!isPreview && stat(root) !== undefined) await recoverFirst(root, call.terminal);
  if (call.values.force !== true) refuseFullFolder(folder, root);

  const template = await settleTemplate(call, { cwd: call.cwd, folder: root, sources: {} }, ask);
  const clashing = (given: readonly Answer[]) => whyClashing(template.files, task, given);
  const clash = clashing([]);
  if (clash !== undefined) throw badTaskName(task, clash, `${task}-task`, call.values.name === undefined);
  const answers = await settleTemplateAnswers(call, template.manifest, {}, ask, clashing);
  const hooks = await settleHooks(call, template.manifest, ask);
  const packageManager = await packageManagerFor(root, call.values.pm);
  return { folder, shown: shownFrom(call, folder), root, task, template, answers, hooks, runtimeDir, packageManager };
}

async function settleFolder(call: Call, mayAsk: boolean, ask: Workshop['ask']): Promise<string> {
  const given = call.words[0];
  if (given !== undefined) return withHome(given);
  if (call.values.yes) return call.values.name ?? DEFAULT_FOLDER;
  if (!mayAsk) throw missingAnswer('the folder of the project', `${call.shown} <dir>`, true);
  const answer = await ask({
    type: 'input',
    message: 'Which folder should the project be in? Its name names the task.',
    default: call.values.name ?? DEFAULT_FOLDER,
    whyNot: (answer) => {
      const unfit = whyNoHome(answer) ?? whyNotFolder(call.cwd, withHome(answer));
      if (unfit !== undefined) return unfit;
      const name = call.values.name ?? basename(resolve(call.cwd, withHome(answer)));
      const reason = whyNotTaskName(name);
      if (reason !== undefined) return `${reason}. Try ${nearestTaskName(name)}.`;
      const isFree = call.values.force === true || isEmpty(resolve(call.cwd, withHome(answer)));
      return isFree ? undefined : 'that folder is not empty';
    },
  });
  return withHome(answer);
}

/** The folder as it was given; with --cwd, rewritten so that it starts from the current folder. */
const shownFrom = ({ cwd, values }: Call, folder: string): string =>
  values.cwd === undefined ? folder : relative(process.cwd(), resolve(cwd, folder)).replaceAll('\\', '/') || '.';

function rootOf(cwd: string, folder: string): string {
  const reason = whyNotFolder(cwd, folder);
  if (reason !== undefined) throw badFolder(folder, reason);
  const root = realRoot(resolve(cwd, folder));
  const real = whyOwned(root);
  if (real !== undefined) throw badFolder(folder, real);
  return root;
}

/** Why a folder cannot be a project's, judged by its path alone; undefined if it can. */
function whyNotFolder(cwd: string, folder: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(folder)) return 'it has a control character';
  return folder === '' ? 'it is empty' : whyOwned(resolve(cwd, folder));
}

function refuseName(name: string, fromFolder: boolean): void {
  const reason = whyNotTaskName(name);
  if (reason !== undefined) throw badTaskName(name, reason, nearestTaskName(name), fromFolder);
}

const entriesOf = (folder: string): string[] =>
  stat(folder)?.isDirectory()
    ? readdirSync(folder).filter((name) => !COUNTS_AS_NOTHING.has(name) && !isLeftOverName(name))
    : [];

const isEmpty = (folder: string): boolean => entriesOf(folder).length === 0;

function refuseFullFolder(folder: string, root: string): void {
  const entries = entriesOf(root);
  if (entries.length > 0) throw folderNotEmpty(folder, entries);
}
