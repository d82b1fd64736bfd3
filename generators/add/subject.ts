/**
 * Which task to add, to which package, and what it is made from: decided by the command line, by asking on a terminal,
 * and by the package's own files.
 */

import { join } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { recoverFirst } from '../change-set/recovering.ts';
import { readBefore, stat } from '../disk/disk.ts';
import { MANIFEST } from '../disk/file-names.ts';
import { whyUnsafe } from '../disk/paths.ts';
import { noTaskNamed, runtimeElsewhere } from '../host/errors.ts';
import { isAsWritten } from '../host/host-files.ts';
import { settleLayout } from '../host/layout.ts';
import { settleManager } from '../host/manager.ts';
import { type Place, settlePlace } from '../host/place.ts';
import { testRunnerOf } from '../host/test-runner.ts';
import type { TestRunner } from '../host/test-settings.ts';
import type { PackageManager } from '../programs/package-manager.ts';
import { contractText, hooksOf, readHooks } from '../project/hooks.ts';
import { type Lock, type LockedTask, lockToEdit } from '../project/lock.ts';
import { type Manifest, openProject } from '../project/manifest.ts';
import { nearestTaskName, whyNotTaskName } from '../project/names.ts';
import { runtimeFolder } from '../project/runtime-folder.ts';
import { type Answers, settleAnswers } from '../rendering/answers.ts';
import { settleHooks, settleTemplate, templateAgain } from '../rendering/choices.ts';
import { whyClashing } from '../rendering/clashes.ts';
import type { Answer } from '../rendering/placeholders.ts';
import { isPreview } from '../settling/preview.ts';
import type { Template } from '../sources/templates.ts';
import { settleTrust } from '../sources/trusting.ts';
import type { Call } from '../terminal/command.ts';
import { badTaskName } from '../terminal/errors.ts';
import { flags } from '../terminal/flags.ts';
import { isInteractive } from '../terminal/terminal.ts';

export interface Subject {
  readonly task: string;
  readonly place: Place;
  readonly manifest: Manifest;
  /** Why tasks are not in the usual folder, if that was decided just now. */
  readonly whyThere: string | undefined;
  readonly lock: Lock | undefined;
  readonly template: Template;
  readonly answers: Answers;
  readonly hooks: readonly string[];
  /**
   * The task's own files, if they are still as divvy wrote them and the command asks for nothing new: then they are not
   * rendered again.
   */
  readonly standing: readonly string[] | undefined;
  readonly packageManager: PackageManager;
  readonly testRunner: TestRunner;
}

/**
 * Rejects with a Refusal: with exit code 2 for an unknown name or a missing answer, with 3 for a package that no task
 * can be added to.
 */
export async function settleSubject(call: Call, ask: Workshop['ask']): Promise<Subject> {
  const task = await settleName(call, ask);
  const place = await settlePlace(call, ask);
  if (!isPreview(call)) await recoverFirst(place.root, call.terminal);
  const { manifest, whyThere } = await settleManifest(call, place, task, ask);
  const lock = lockToEdit(place.root);

  // A task that exists is made again from the same template, unless the command names another one.
  const there = lock && Object.hasOwn(lock.tasks, task) ? lock.tasks[task] : undefined;
  const again = call.values.template === undefined && isMade(there);
  const shelf = { cwd: call.cwd, folder: place.root, sources: manifest.templates ?? {} };
  const template = again ? await templateAgain(call, there, place.root) : await settleTemplate(call, shelf, ask);
  if (again) await settleTrust(call, template, ask);
  const clashing = (given: readonly Answer[]) => whyClashing(template.files, task, given);
  const clash = clashing([]);
  if (clash !== undefined) throw badTaskName(task, clash, `${task}-task`, false);
  // Otherwise divvy would ask again for secrets, because no lock has them.
  const standing = again ? standingFiles(call, place.root, lock, there) : undefined;
  const answers = standing
    ? { answers: [], shown: there?.answers as Answers['shown'] }
    : await settleAnswers(call, template.manifest, there?.answers ?? {}, ask, clashing);
  const isAsBefore = again && call.values.hooks === undefined;
  const hooks = isAsBefore
    ? readHooks(there.hooks.join(','), hooksOf(contractText()))
    : await settleHooks(call, template.manifest, ask);
  const packageManager = await settleManager(call, place, ask);
  const testRunner = testRunnerOf(place);
  return { task, place, manifest, whyThere, lock, template, answers, hooks, standing, packageManager, testRunner };
}

const isMade = (task: LockedTask | undefined): task is LockedTask & { readonly template: string } =>
  task?.template !== undefined;

/**
 * Only for a template from elsewhere: it is exactly the same again, but a template of this package may have new files.
 */
function standingFiles(
  { values }: Call,
  root: string,
  lock: Lock | undefined,
  { resolved, files = [], answers }: LockedTask,
): readonly string[] | undefined {
  const asks = values.hooks !== undefined || values.data !== undefined || values['data-file'] !== undefined;
  const isAnswered = Object.values(answers).every((answer) => typeof answer === 'string');
  if (resolved === undefined || asks || !isAnswered || files.length === 0) return undefined;
  const stands = (path: string): boolean => {
    const before = whyUnsafe(path) === undefined ? readBefore(root, path) : undefined;
    return before !== undefined && isAsWritten(lock, path, before);
  };
  return files.every(stands) ? files : undefined;
}

async function settleName(call: Call, ask: Workshop['ask']): Promise<string> {
  const [task] = call.words;
  if (task === undefined) {
    if (!isInteractive(call)) throw noTaskNamed(call.shown);
    return ask({
      type: 'input',
      message: flags.name.question,
      default: nearestTaskName(''),
      whyNot: (answer) => {
        const reason = whyNotTaskName(answer);
        return reason && `${reason}. Try ${nearestTaskName(answer)}.`;
      },
    });
  }
  const reason = whyNotTaskName(task);
  if (reason !== undefined) throw badTaskName(task, reason, nearestTaskName(task), false);
  return task;
}

/** If the package has a divvy.json already, its folders stay as they are. */
async function settleManifest(
  call: Call,
  place: Place,
  task: string,
  ask: Workshop['ask'],
): Promise<Pick<Subject, 'manifest' | 'whyThere'>> {
  if (stat(join(place.root, MANIFEST)) === undefined) return settleLayout(call, place, task, ask);
  const { manifest } = await openProject(place.root, call.terminal);
  const given = call.values['runtime-dir'];
  if (given !== undefined && runtimeFolder(given) !== manifest.runtime) throw runtimeElsewhere(given, manifest.runtime);
  return { manifest, whyThere: undefined };
}
