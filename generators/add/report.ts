/** What `divvy add` says when it is done. */

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Call } from '../command.ts';
import type { Settled } from '../conflicts.ts';
import { afterWriteFailed } from '../errors.ts';
import { harmless } from '../harmless.ts';
import { table } from '../help.ts';
import type { HostFiles } from '../host/host-files.ts';
import type { Insertion } from '../host/insertions.ts';
import type { Installed } from '../install.ts';
import { nextStepsOf } from '../next-steps.ts';
import { version } from '../package.ts';
import { localProgram } from '../package-manager.ts';
import type { Planned } from '../plan.ts';
import { filesAsJson, isPreview, sayNotWritten, sayPreview } from '../preview.ts';
import { asArgument, commandLine, divvyIn } from '../shell.ts';
import type { Rendered } from './render.ts';
import type { Subject } from './subject.ts';

/** A package's folder as a person would go there from here. */
export const folderShown = (root: string): string => relative(process.cwd(), root).replaceAll('\\', '/') || '.';

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
    terminal.say(['', ...editsOf(rendered.host), ...byHand(rendered)].join('\n').trimEnd());
    sayNotWritten(call, root, settled.changes.length, planned);
  } else if (settled.changes.length === 0) {
    terminal.say(`Nothing to do: ${subject.task} is there already, in ${root}.`);
  } else terminal.say(whatThereIs(call, subject, rendered, settled, installed).join('\n'));
  if (installed.failed) terminal.refuse(afterWriteFailed(installed.failed));
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
    testRunner: subject.testRunner === 'beside' ? 'node' : subject.testRunner,
    ...filesAsJson(call, settled.preview),
    byHand: rendered.hints,
    ...(planned && { plan: planned.file, apply: planned.apply }),
    install: installed.install,
    ...(installed.failed && { failed: installed.failed }),
    nextSteps: nextSteps(call, subject, installed),
  });
}

function whatThereIs(
  call: Call,
  subject: Subject,
  rendered: Rendered,
  { changes }: Settled,
  installed: Installed,
): string[] {
  const { style } = call.terminal;
  const { task, manifest, place } = subject;
  const { manifest: template } = subject.template;
  const [taskFile = ''] = rendered.own;
  // A template need not have one.
  const test = rendered.own.find((path) => path.startsWith(`${manifest.tests}/${task}.test.`));
  const count = `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`;
  return [
    `${style.strong(task)} is there, from the template ${template.name}: ${count}, in ${place.root}.`,
    '',
    ...table([
      [
        taskFile,
        `your task: the items, and what is done with each${place.isModule ? '' : ' (.mts, since this package is CommonJS)'}`,
      ],
      ...(test === undefined ? [] : [[test, `its test: ${testCommand(subject, test)}`] as const]),
      [`${manifest.runtime}/`, 'the runtime, yours to read; its README.md is a ten-minute tour'],
    ]),
    '',
    ...editsOf(rendered.host),
    ...byHand(rendered),
    style.strong('Next:'),
    ...nextSteps(call, subject, installed).map((step) => `  ${step}`),
    '',
    `To take it back: ${divvyIn(call, place.root, 'undo')}, or later: ${divvyIn(call, place.root, 'remove', task)}`,
  ];
}

function testCommand({ testRunner, task, manifest, place, packageManager }: Subject, test: string): string {
  // Yarn's Plug'n'Play: without yarn, Node.js finds no package.
  const isPnp = place.levels.some(({ folder }) => existsSync(join(folder, '.pnp.cjs')));
  const byNode = [...(isPnp ? ['yarn'] : []), 'node', '--test', test];
  return commandLine(
    {
      node: byNode,
      beside: byNode,
      vitest: localProgram(packageManager, ['vitest', 'run', test]),
      jest: localProgram(packageManager, ['jest', `${manifest.tests}/${task}.test.js`]),
    }[testRunner],
  );
}

/** What was put into which file that was there before. */
function editsOf(host: HostFiles): string[] {
  const rows = host.edited().map(({ path, added }) => [path, added.flatMap(inWords).join(', ')] as const);
  return rows.length === 0 ? [] : ['Edited, by insertions and nothing else:', ...table(rows), ''];
}

function inWords(insertion: Insertion): string[] {
  if ('was' in insertion) return [];
  if ('line' in insertion) return [harmless(insertion.line)];
  const at = [...insertion.at, 'key' in insertion ? insertion.key : JSON.stringify(insertion.element)];
  return [harmless(at.join(' '))];
}

function byHand({ hints }: Rendered): string[] {
  if (hints.length === 0) return [];
  return [
    'To be written by hand, so that your tools leave the runtime alone:',
    ...table(hints.map(({ file, line }) => [file, line] as const)),
    '',
  ];
}

function nextSteps(
  { values }: Call,
  { task, template, manifest, place, packageManager: manager }: Subject,
  { install }: Installed,
): string[] {
  const isInstalled = values.install !== false && install !== 'failed';
  const taskFile = `${manifest.tasks}/${task}${place.isModule ? '.ts' : '.mts'}`;
  const steps = nextStepsOf(template.manifest, { task, script: `divvy:${task}`, manager, isInstalled }).map((step) =>
    step.replaceAll(`tasks/${task}.ts`, taskFile),
  );
  const folder = folderShown(place.root);
  return folder === '.' ? steps : [commandLine(['cd', asArgument(folder)]), ...steps];
}
