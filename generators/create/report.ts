/** What create says when it is done. */

import { createTwoFilesPatch } from 'diff';
import { sha256 } from '../change-set/survey.ts';
import type { Call } from '../command.ts';
import { afterWriteFailed } from '../errors.ts';
import { version } from '../package.ts';
import { onceOff } from '../package-manager.ts';
import { asArgument, commandLine } from '../shell.ts';
import type { Terminal } from '../terminal.ts';
import type { Answers } from './answers.ts';
import type { Previewed, Settled } from './conflicts.ts';
import type { Followed } from './follow.ts';

export function report(call: Call, answers: Answers, settled: Settled, followed: Followed, isPreview: boolean): void {
  const { terminal, values } = call;
  if (values.diff) terminal.say(diffOf(settled.preview));
  else if (isPreview || values.verbose) terminal.say(listOf(settled.preview, terminal));
  if (isPreview) {
    terminal.say(`\nNothing was written. It would be, in ${answers.root}: ${counted(settled)}.`);
  } else if (settled.changes.length === 0) {
    terminal.say(`Nothing to do: ${answers.root} is already as it should be.`);
  } else {
    terminal.say(`${whatThereIs(answers, settled, terminal)}\n${whatIsNext(answers, terminal)}`);
    terminal.say(`${terminal.style.strong('The same again:')}\n  ${replay(call, answers)}`);
  }
  if (followed.failed) terminal.refuse(afterWriteFailed(followed.failed));
  terminal.result(asJson(call, answers, settled, followed, isPreview));
}

function counted({ preview, changes }: Settled): string {
  const count = (wanted: Previewed['action']) => preview.filter(({ action }) => action === wanted).length;
  const [kept, inConflict] = [count('skip'), count('conflict')];
  return [
    `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`,
    ...(kept > 0 ? [`${kept} left as they are`] : []),
    ...(inConflict > 0 ? [`${inConflict} in conflict`] : []),
  ].join(', ');
}

function whatThereIs({ task, template, runtimeDir }: Answers, settled: Settled, { style }: Terminal): string {
  const rows = [
    [`tasks/${task}.ts`, 'your task: the items, and what is done with each'],
    [`test/${task}.test.ts`, 'its test'],
    [`${runtimeDir}/`, 'the runtime, yours to read; its README.md is a ten-minute tour'],
  ] as const;
  const width = Math.max(...rows.map(([path]) => path.length)) + 2;
  const table = rows.map(([path, what]) => `  ${path.padEnd(width)}${style.faint(what)}`);
  return [
    `${style.strong(task)} is there: ${counted(settled)}, from the template ${template.name}.`,
    '',
    ...table,
    '',
  ].join('\n');
}

function whatIsNext(answers: Answers, { style }: Terminal): string {
  return [style.strong('Next:'), ...nextSteps(answers).map((step) => `  ${step}`), ''].join('\n');
}

function nextSteps({ folder, task, template, packageManager }: Answers): string[] {
  const steps = (template.nextSteps ?? []).map((step) =>
    step
      .replace(/(?<![\w-])example-task(?![\w-])/g, task)
      .replace(/^npm (?:run )?/, packageManager === 'npm' ? '$&' : `${packageManager} run `),
  );
  return folder === '.' ? steps : [commandLine(['cd', asArgument(folder)]), ...steps];
}

/** The command that makes the same project without a question. */
function replay({ values }: Call, { folder, task, template, hooks, runtimeDir, packageManager }: Answers): string {
  const argv = ['--template', template.name];
  if (values.name !== undefined) argv.push('--name', task);
  if (hooks.length > 0) argv.push('--hooks', hooks.join(','));
  if (values['runtime-dir'] !== undefined) argv.push('--runtime-dir', runtimeDir);
  if (values.pm !== undefined) argv.push('--pm', values.pm);
  if (values.git !== undefined) argv.push(values.git ? '--git' : '--no-git');
  if (values.install !== undefined) argv.push(values.install ? '--install' : '--no-install');
  if (values.cwd !== undefined) argv.push('--cwd', values.cwd);
  return commandLine(onceOff(packageManager, [`create-divvy-task@${version}`, asArgument(folder), ...argv, '--yes']));
}

const listOf = (preview: readonly Previewed[], { style }: Terminal): string => {
  const paint = {
    create: style.added,
    overwrite: style.warning,
    conflict: style.removed,
    skip: style.faint,
    unchanged: style.faint,
  };
  return preview.map(({ action, change }) => `  ${paint[action](action.padEnd(10))} ${change.path}`).join('\n');
};

/** As `git diff` would have it, so that `git apply` and `patch -p1` can read it. */
function diffOf(preview: readonly Previewed[]): string {
  return preview
    .filter(({ action }) => action !== 'unchanged')
    .map(({ change: { path, before, after } }) => {
      const [from, to] = [before?.bytes.toString('utf8') ?? '', after.toString('utf8')];
      return createTwoFilesPatch(before ? `a/${path}` : '/dev/null', `b/${path}`, from, to, undefined, undefined, {
        headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
      }).trimEnd();
    })
    .join('\n');
}

function asJson(call: Call, answers: Answers, settled: Settled, followed: Followed, isPreview: boolean): object {
  return {
    command: 'create',
    version,
    written: !isPreview && settled.changes.length > 0,
    folder: answers.root,
    task: answers.task,
    template: answers.template.name,
    hooks: answers.hooks,
    packageManager: answers.packageManager,
    files: settled.preview.map(({ action, change }) => ({ path: change.path, action, sha256: sha256(change.after) })),
    ...(call.values.diff && { diff: diffOf(settled.preview) }),
    git: followed.git,
    install: followed.install,
    ...(followed.failed && { failed: followed.failed }),
    nextSteps: nextSteps(answers),
    replay: replay(call, answers),
  };
}
