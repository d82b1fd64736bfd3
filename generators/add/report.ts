/** What `divvy add` prints at the end. */

import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { realRoot } from '../change-set/survey.ts';
import { IGNORE_FILES } from '../host/checkers.ts';
import { IGNORE_FILE } from '../host/formatter.ts';
import { inWords as byHand } from '../host/hints.ts';
import { isBeside } from '../host/layout.ts';
import { packagesOf } from '../host/workspaces.ts';
import type { Installed } from '../next-steps/install.ts';
import { nextStepsOf } from '../next-steps/next-steps.ts';
import { conflictFlags, NO_REPLAY, sourceFlags } from '../next-steps/replay.ts';
import { version } from '../package.ts';
import { localProgram } from '../programs/package-manager.ts';
import { asArgument, commandLine, divvyIn, divvyLine } from '../programs/shell.ts';
import { DEFAULT_RUNTIME_DIR } from '../project/runtime-folder.ts';
import { isKept, type Settled } from '../settling/conflicts.ts';
import type { Planned } from '../settling/preview.ts';
import { filesAsJson, isPreview, sayNotWritten, sayPreview } from '../settling/preview.ts';
import type { Call } from '../terminal/command.ts';
import { afterWriteFailed } from '../terminal/errors.ts';
import { table } from '../terminal/help.ts';
import { editsOf } from './edits.ts';
import { folderShown } from './folder-shown.ts';
import { ownCodeSteps } from './own-code-steps.ts';
import type { Rendered } from './render.ts';
import type { Subject } from './subject.ts';

export function report(
  call: Call,
  subject: Subject,
  rendered: Rendered,
  settled: Settled,
  installed: Installed,
  planned: Planned | undefined,
): void {
  const { terminal } = call;
  const { root } = subject.place;
  const changed = settled.preview.filter(({ action }) => action !== 'unchanged');
  sayPreview(call, changed);
  if (isPreview(call)) {
    if (subject.whyThere !== undefined) terminal.say(`\n${subject.whyThere}`);
    terminal.say(['', ...editsOf(rendered.host), ...byHand(rendered.hints)].join('\n').trimEnd());
    sayNotWritten(call, root, settled.changes.length, planned);
  } else if (settled.changes.length === 0) {
    terminal.say(`Nothing to do: ${subject.task} is there already, in ${root}.`);
  } else terminal.say(whatThereIs(call, subject, rendered, settled, installed).join('\n'));
  if (installed.failed) terminal.refuse(afterWriteFailed('task', installed.failed));
  terminal.result({
    command: 'add',
    version,
    written: !isPreview(call) && settled.changes.length > 0,
    folder: root,
    task: subject.task,
    template: subject.template.manifest.name,
    ...(subject.template.origin && {
      source: subject.template.origin.source,
      resolved: subject.template.origin.resolved,
    }),
    answers: subject.answers.shown,
    hooks: subject.hooks,
    packageManager: subject.packageManager,
    testRunner: RUNNER_SHOWN[subject.testRunner],
    ...filesAsJson(call, settled.preview),
    byHand: rendered.hints,
    ...(subject.whyThere !== undefined && { note: subject.whyThere }),
    ...(planned && { plan: planned.file, apply: planned.apply }),
    install: installed.install,
    ...(installed.failed && { failed: installed.failed }),
    nextSteps: nextSteps(call, subject, rendered, settled, installed),
    replay: replay(call, subject, settled) ?? null,
  });
}

/** The ignore lists that `divvy add` may create. */
const LISTS: readonly string[] = [IGNORE_FILE, ...IGNORE_FILES];

/** The program that runs the task's test. */
const RUNNER_SHOWN = { node: 'node', beside: 'node', vitest: 'vitest', jest: 'jest', 'jest-26': 'jest' } as const;

function whatThereIs(
  call: Call,
  subject: Subject,
  rendered: Rendered,
  settled: Settled,
  installed: Installed,
): string[] {
  const { style } = call.terminal;
  const { task, manifest, place, whyThere } = subject;
  const { manifest: template } = subject.template;
  const [taskFile = ''] = rendered.own;
  const { test } = rendered;
  const { changes, preview } = settled;
  const again = replay(call, subject, settled);
  const count = `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`;
  return [
    isKept(settled, taskFile)
      ? `${style.strong(task)} is unchanged: ${taskFile} was kept. From the template ${template.name}: ${count}, in ${place.root}.`
      : `Added ${style.strong(task)} from the template ${template.name}: ${count}, in ${place.root}.`,
    ...(whyThere === undefined ? [] : [whyThere]),
    '',
    ...table([
      [
        taskFile,
        `your task: the items, and what is done with each${place.isModule ? '' : ' (.mts, since this package is CommonJS)'}`,
      ],
      ...(test === undefined ? [] : [[test, `its test: ${testCommand(subject, test)}`] as const]),
      [`${manifest.runtime}/`, 'the runtime, yours to read; its README.md is a ten-minute tour'],
      ...preview
        .filter(({ change, action }) => action === 'create' && LISTS.includes(change.path))
        .map(({ change }) => [change.path, 'new: keeps your checks away from files that only divvy writes'] as const),
    ]),
    '',
    ...editsOf(rendered.host),
    ...byHand(rendered.hints),
    style.strong('Next:'),
    ...nextSteps(call, subject, rendered, settled, installed).map((step) => `  ${step}`),
    '',
    ...(again === undefined ? [NO_REPLAY] : [style.strong('To do the same again:'), `  ${again}`]),
    `To undo it: ${divvyIn(call, place.root, 'undo')}, or later: ${divvyIn(call, place.root, 'remove', task)}`,
  ];
}

/** The command that adds the same task without questions; undefined if no single command does. */
function replay(call: Call, subject: Subject, settled: Settled): string | undefined {
  const { values } = call;
  const { task, place, manifest, lock } = subject;
  const conflicts = conflictFlags(values, settled);
  if (conflicts === undefined) return undefined;
  // If divvy asked for the package, the command has to name it, and relative paths then start there.
  const isAsked =
    values.cwd === undefined &&
    (!`${realRoot(call.cwd)}${sep}`.startsWith(`${place.root}${sep}`) || packagesOf(place.root).length > 0);
  const fromThere = (path: string) =>
    isAsked && /^\.{1,2}[\\/]/.test(path)
      ? `./${relative(place.root, resolve(call.cwd, path)).replaceAll('\\', '/')}`
      : path;
  const there = lock !== undefined && Object.hasOwn(lock.tasks, task) ? lock.tasks[task] : undefined;
  const isThere = values.template === undefined && there?.template !== undefined;
  const argv = sourceFlags(values, { ...subject, isThere }, fromThere);
  if (manifest.runtime !== DEFAULT_RUNTIME_DIR) argv.push('--runtime-dir', manifest.runtime);
  argv.push('--pm', subject.packageManager);
  if (values.install !== undefined) argv.push(values.install ? '--install' : '--no-install');
  const cwd = values.cwd ?? (isAsked ? folderShown(place.root) : undefined);
  if (cwd !== undefined) argv.push('--cwd', asArgument(cwd));
  return divvyLine(call, 'add', task, ...argv, ...conflicts, '--yes');
}

function testCommand({ testRunner, place, packageManager }: Subject, test: string): string {
  // With Yarn's Plug'n'Play, Node.js finds packages only when yarn starts it.
  const isPnp = place.levels.some(({ folder }) => existsSync(join(folder, '.pnp.cjs')));
  const byNode = [...(isPnp ? ['yarn'] : []), 'node', '--test', test];
  const byJest = localProgram(packageManager, ['jest', test]);
  return commandLine(
    {
      node: byNode,
      beside: byNode,
      vitest: localProgram(packageManager, ['vitest', 'run', test]),
      jest: byJest,
      'jest-26': byJest,
    }[testRunner],
  );
}

function nextSteps(
  { values }: Call,
  { task, template, manifest, place, packageManager: manager, testRunner }: Subject,
  { own: [taskFile = ''], test }: Rendered,
  settled: Settled,
  { install }: Installed,
): string[] {
  const isInstalled = values.install !== false && install !== 'failed';
  const here = { task, script: `divvy:${task}`, manager, isInstalled, isKept: isKept(settled, taskFile) };
  const steps = nextStepsOf(template.manifest, here).map((step) => step.replaceAll(`tasks/${task}.ts`, taskFile));
  const byNode = testRunner === 'node' || testRunner === 'beside';
  if (isBeside(manifest)) steps.push(...ownCodeSteps(place, manifest, manager, byNode ? test : undefined));
  const folder = folderShown(place.root);
  return folder === '.' ? steps : [commandLine(['cd', asArgument(folder)]), ...steps];
}
