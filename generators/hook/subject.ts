/** Which hooks of which task: from the command line, or by asking on a terminal. */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { lookAt, realRoot } from '../change-set/survey.ts';
import type { Before } from '../disk/disk.ts';
import { type Hook, readHooks } from '../project/hooks.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { findTask, taskFile, taskNames } from '../project/tasks.ts';
import type { Call } from '../terminal/command.ts';
import { noContract, noHooksNamed, noSubcommand, noTask, notUtf8, taskOutside, whichTask } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import { isInteractive } from '../terminal/terminal.ts';

export interface Subject {
  readonly action: 'add' | 'remove';
  readonly hooks: readonly string[];
  /** The project's folder: absolute, without symbolic links. */
  readonly root: string;
  /** The task file, relative to the root, with `/`. */
  readonly path: string;
  readonly before: Before;
  readonly source: string;
  /** The text of the project's own parallelizable.ts. */
  readonly contract: string;
}

const ACTIONS = ['add', 'remove'] as const;

/**
 * Rejects with a Refusal: with exit code 2 for an unknown name or a missing answer, with 3 for a file that must not be
 * edited.
 */
export async function settleSubject(call: Call, ask: Workshop['ask']): Promise<Subject> {
  const [word, ...names] = call.words;
  const action = ACTIONS.find((each) => each === word);
  if (action === undefined) throw noSubcommand(call.shown, word, word && nearest(word, ACTIONS));
  const project = await openProject(call.cwd, call.terminal);
  const contract = contractOf(project);
  const hooks = await settleHooks(call, action, names, await hooksKnownTo(project, contract), ask);
  const file = await settleTask(call, project, ask);

  const root = realRoot(project.folder);
  const path = relative(project.folder, file).replaceAll('\\', '/');
  if (path.startsWith('../') || join(project.folder, path) !== file) throw taskOutside(file, project.folder);
  const before = lookAt(root, path);
  if (before === undefined) throw noTask(path, taskNames(project), undefined);
  const source = before.bytes.toString('utf8');
  if (!Buffer.from(source).equals(before.bytes)) throw notUtf8(path);
  return { action, hooks, root, path, before, source, contract };
}

const contractPath = ({ manifest }: Project): string => `${manifest.runtime}/parallelizable.ts`;

function contractOf(project: Project): string {
  try {
    return readFileSync(join(project.folder, contractPath(project)), 'utf8');
  } catch (error) {
    throw noContract(contractPath(project), `it cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function hooksKnownTo(project: Project, contract: string): Promise<Hook[]> {
  const { hooksIn } = await import('../codemods/hook.ts');
  const known = hooksIn(contract);
  if (known.length === 0)
    throw noContract(contractPath(project), 'it has no interface Parallelizable with hooks in it');
  return known;
}

async function settleHooks(
  call: Call,
  action: Subject['action'],
  names: readonly string[],
  known: readonly Hook[],
  ask: Workshop['ask'],
): Promise<string[]> {
  const given = readHooks(names.join(','), known);
  if (given.length > 0) return given;
  const none = noHooksNamed(
    `${call.shown} ${action}`,
    known.map(({ name }) => name),
  );
  if (!isInteractive(call)) throw none;
  const choices = known.map(({ name, summary }) => ({ value: name, hint: summary }));
  const chosen = await ask({ type: 'checkbox', message: `Which hooks do you want to ${action}?`, choices });
  if (chosen.length === 0) throw none;
  return readHooks(chosen.join(','), known);
}

async function settleTask(call: Call, project: Project, ask: Workshop['ask']): Promise<string> {
  const { task } = call.values;
  if (task !== undefined) return findTask(task, call.cwd, project);
  const names = taskNames(project);
  const [only, ...more] = names;
  if (only === undefined) throw noTask('', names, undefined);
  if (more.length === 0) return findTask(only, call.cwd, project);
  if (!isInteractive(call)) throw whichTask(names);
  const choices = names.map((name) => ({ value: name, hint: relative(project.folder, taskFile(project, name)) }));
  return findTask(await ask({ type: 'select', message: 'Which task?', choices }), call.cwd, project);
}
