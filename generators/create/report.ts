/** What create prints at the end. */

import { PACKAGE_JSON } from '../disk/file-names.ts';
import { type Hint, inWords } from '../host/hints.ts';
import { type Path, readJson, valueAt } from '../json/text.ts';
import { nextStepsOf } from '../next-steps/next-steps.ts';
import { conflictFlags, NO_REPLAY, sourceFlags } from '../next-steps/replay.ts';
import { version } from '../package.ts';
import { onceOff } from '../programs/package-manager.ts';
import { asArgument, commandLine } from '../programs/shell.ts';
import { isStartScript } from '../project/start-script.ts';
import { isKept, type Settled } from '../settling/conflicts.ts';
import type { Planned } from '../settling/preview.ts';
import { diffOf, filesAsJson, isPreview, isShown, listOf, type Previewed } from '../settling/preview.ts';
import type { Call } from '../terminal/command.ts';
import { afterWriteFailed } from '../terminal/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Answers } from './answers.ts';
import type { Followed } from './follow.ts';

interface Done {
  readonly settled: Settled;
  readonly followed: Followed;
  readonly planned: Planned | undefined;
  readonly hints: readonly Hint[];
}

export function report(call: Call, answers: Answers, done: Done): void {
  const { terminal, values } = call;
  const { settled, followed, planned, hints } = done;
  const isPreviewed = isPreview(call);
  if (values.diff) terminal.show(diffOf(settled.preview));
  else if (isPreviewed || values.verbose) terminal.say(listOf(settled.preview, terminal));
  if (isPreviewed && hints.length > 0) terminal.say(['', ...inWords(hints)].join('\n').trimEnd());
  if (planned !== undefined && !isShown(call)) {
    terminal.say(
      `\nThe plan is saved. Nothing else was changed. It would write, in ${answers.root}: ${counted(settled)}.`,
    );
    terminal.say(`To carry it out:\n  ${planned.apply}`);
  } else if (isPreviewed) {
    terminal.say(`\nNothing was written. This would change, in ${answers.root}: ${counted(settled)}.`);
  } else if (settled.changes.length === 0) {
    terminal.say(`Nothing to do: ${answers.root} is already as it should be.`);
  } else {
    const parts = [whatThereIs(answers, settled, terminal), ...inWords(hints), whatIsNext(call, answers, done)];
    terminal.say(parts.join('\n'));
    const again = replay(call, answers, settled);
    terminal.say(again === undefined ? NO_REPLAY : `${terminal.style.strong('To do the same again:')}\n  ${again}`);
  }
  if (followed.failed) terminal.refuse(afterWriteFailed('project', followed.failed));
  terminal.result(asJson(call, answers, done));
}

function counted({ preview, changes }: Settled): string {
  const count = (wanted: Previewed['action']) => preview.filter(({ action }) => action === wanted).length;
  const [kept, inConflict] = [count('skip'), count('conflict')];
  return [
    `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`,
    ...(kept > 0 ? [`${kept} left as ${kept === 1 ? 'it is' : 'they are'}`] : []),
    ...(inConflict > 0 ? [`${inConflict} in conflict`] : []),
  ].join(', ');
}

export const taskFileOf = ({ task }: Pick<Answers, 'task'>): string => `tasks/${task}.ts`;

function whatThereIs(
  { task, template: { manifest: template }, runtimeDir }: Answers,
  settled: Settled,
  { style }: Terminal,
): string {
  const taskFile = taskFileOf({ task });
  const rows = [
    [taskFile, 'your task: the items, and what is done with each'],
    [`test/${task}.test.ts`, 'its test'],
    [`${runtimeDir}/`, 'the runtime, yours to read; its README.md is a ten-minute tour'],
  ] as const;
  // A template may have no test.
  const there = rows.filter(
    ([path]) => path.endsWith('/') || settled.preview.some(({ change }) => change.path === path),
  );
  const width = Math.max(...there.map(([path]) => path.length)) + 2;
  const table = there.map(([path, what]) => `  ${path.padEnd(width)}${style.faint(what)}`);
  return [
    isKept(settled, taskFile)
      ? `${style.strong(task)} is unchanged: ${taskFile} was kept. From the template ${template.name}: ${counted(settled)}.`
      : `Created ${style.strong(task)}: ${counted(settled)}, from the template ${template.name}.`,
    '',
    ...table,
    '',
  ].join('\n');
}

function whatIsNext(call: Call, answers: Answers, { settled, followed }: Done): string {
  const steps = nextSteps(call, answers, settled, followed).map((step) => `  ${step}`);
  return [call.terminal.style.strong('Next:'), ...steps, ''].join('\n');
}

function nextSteps({ values }: Call, answers: Answers, settled: Settled, { install }: Followed): string[] {
  const { shown, task, template, packageManager: manager } = answers;
  const isInstalled = values.install !== false && install !== 'failed';
  const here = { task, script: 'start', manager, isInstalled, isKept: isKept(settled, taskFileOf(answers)) };
  const kept = settled.preview.find(({ action, change }) => action === 'skip' && change.path === PACKAGE_JSON);
  const steps = stepsWithout(kept?.change.before?.bytes, answers) ?? nextStepsOf(template.manifest, here);
  return shown === '.' ? steps : [commandLine(['cd', asArgument(shown)]), ...steps];
}

/** If an existing package.json was kept: the steps that work without the scripts and the import that it lacks. */
function stepsWithout(kept: Buffer | undefined, answers: Answers): string[] | undefined {
  if (kept === undefined) return undefined;
  const { runtimeDir } = answers;
  const json = readJson(kept.toString('utf8'), 'json');
  const value = (at: Path) => ('reason' in json ? undefined : valueAt(json, at));
  if (isStartScript(value(['scripts', 'start']), runtimeDir, taskFileOf(answers))) return undefined;
  const runtime = `./${runtimeDir}/index.ts`;
  return [
    ...(value(['imports', '#divvy']) === runtime
      ? []
      : [`Write into ${PACKAGE_JSON}, which was kept: "imports": { "#divvy": "${runtime}" }`]),
    commandLine(['node', `${runtimeDir}/run.mjs`, taskFileOf(answers)]),
  ];
}

/** The command that makes the same project without questions; undefined if no single command does. */
function replay({ values }: Call, answers: Answers, settled: Settled): string | undefined {
  const { folder, task, runtimeDir, packageManager } = answers;
  const conflicts = conflictFlags(values, settled);
  if (conflicts === undefined) return undefined;
  const argv = sourceFlags(values, answers);
  if (values.name !== undefined) argv.push('--name', task);
  if (values['runtime-dir'] !== undefined) argv.push('--runtime-dir', runtimeDir);
  // Yarn 1 cannot run a package once, so this command uses npx; without --pm, divvy would then choose npm.
  if (values.pm !== undefined || packageManager === 'yarn') argv.push('--pm', packageManager);
  if (values.git !== undefined) argv.push(values.git ? '--git' : '--no-git');
  if (values.install !== undefined) argv.push(values.install ? '--install' : '--no-install');
  if (values.cwd !== undefined) argv.push('--cwd', values.cwd);
  if (values.force) argv.push('--force');
  argv.push(...conflicts, '--yes');
  return commandLine(onceOff(packageManager, [`create-divvy-task@${version}`, asArgument(folder), ...argv]));
}

function asJson(call: Call, answers: Answers, { settled, followed, planned, hints }: Done): object {
  return {
    command: 'create',
    version,
    written: !isPreview(call) && settled.changes.length > 0,
    folder: answers.root,
    task: answers.task,
    template: answers.template.manifest.name,
    ...(answers.template.origin && {
      source: answers.template.origin.source,
      resolved: answers.template.origin.resolved,
    }),
    answers: answers.answers.shown,
    hooks: answers.hooks,
    packageManager: answers.packageManager,
    ...filesAsJson(call, settled.preview),
    byHand: hints,
    ...(planned && { plan: planned.file, apply: planned.apply }),
    git: followed.git,
    install: followed.install,
    ...(followed.failed && { failed: followed.failed }),
    nextSteps: nextSteps(call, answers, settled, followed),
    replay: replay(call, answers, settled) ?? null,
  };
}
