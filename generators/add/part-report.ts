/** What `divvy add telemetry` and the like print at the end. */

import { relative } from 'node:path';
import { inWords as byHand } from '../host/hints.ts';
import type { Installed } from '../next-steps/install.ts';
import { version } from '../package.ts';
import { asArgument, commandLine, divvyIn } from '../programs/shell.ts';
import { wordsOf } from '../project/parts.ts';
import { taskFile, taskNames } from '../project/tasks.ts';
import { filesAsJson, isPreview, type Planned, previewOf, sayNotWritten, sayPreview } from '../settling/preview.ts';
import type { Call } from '../terminal/command.ts';
import { afterWriteFailed } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';
import { editsOf } from './edits.ts';
import { folderShown } from './folder-shown.ts';
import type { RenderedPart } from './part-render.ts';
import type { PartSubject } from './part-subject.ts';

export function reportPart(
  call: Call,
  subject: PartSubject,
  rendered: RenderedPart,
  installed: Installed,
  planned: Planned | undefined,
): void {
  const { terminal } = call;
  const { part, place, packageManager } = subject;
  const { root } = place;
  const { changes } = rendered.changeSet;
  const preview = previewOf(changes);
  const words = wordsOf(part).join(' ');
  sayPreview(call, preview);
  const notes = [...editsOf(rendered.host), ...keptInWords(rendered), ...byHand(rendered.hints)];
  if (isPreview(call)) {
    terminal.say(['', ...notes].join('\n').trimEnd());
    sayNotWritten(call, root, changes.length, planned);
  } else if (changes.length === 0) terminal.say(`Nothing to do: ${words} is there already, in ${root}.`);
  else terminal.say(whatThereIs(call, subject, rendered, installed, notes).join('\n'));
  if (installed.failed) terminal.refuse(afterWriteFailed('part', installed.failed));
  terminal.result({
    command: 'add',
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    part: part.name,
    ...(part.kind !== undefined && { kind: part.kind }),
    packageManager,
    ...filesAsJson(call, preview),
    keptPackages: Object.fromEntries(rendered.kept),
    byHand: rendered.hints,
    ...(planned && { plan: planned.file, apply: planned.apply }),
    install: installed.install,
    ...(installed.failed && { failed: installed.failed }),
    nextSteps: changes.length === 0 ? [] : nextSteps(subject, rendered, installed),
  });
}

function whatThereIs(
  call: Call,
  subject: PartSubject,
  rendered: RenderedPart,
  installed: Installed,
  notes: readonly string[],
): string[] {
  const { style } = call.terminal;
  const { part, place, project } = subject;
  const { root } = place;
  const { changes } = rendered.changeSet;
  const main = `${project.manifest.runtime}/${part.places.at(-1)}`;
  const count = `${changes.length} ${changes.length === 1 ? 'file' : 'files'}`;
  return [
    `Added ${style.strong(wordsOf(part).join(' '))}: ${count}, in ${root}.`,
    '',
    ...table([
      [main, part.summary],
      ...rendered.declined.map(([path, name]) => [path, `declines the install script of ${name}`] as const),
    ]),
    '',
    ...notes,
    style.strong('Next:'),
    ...nextSteps(subject, rendered, installed).map((step) => `  ${step}`),
    '',
    `To undo it: ${divvyIn(call, root, 'undo')}, or later: ${divvyIn(call, root, 'remove', part.name)}`,
  ];
}

function keptInWords({ kept }: RenderedPart): string[] {
  if (kept.length === 0) return [];
  const rows = kept.map(([name, range]) => [harmless(name), harmless(range)] as const);
  return ['In package.json already, and left as it is; the part was tried with another release:', ...table(rows), ''];
}

function nextSteps(
  { part, place, project, packageManager }: PartSubject,
  { scriptless }: RenderedPart,
  { install }: Installed,
): string[] {
  const { folder: top, manifest } = project;
  const [task] = taskNames(project);
  const file =
    task === undefined ? `${manifest.tasks}/TASK.ts` : relative(top, taskFile(project, task)).replaceAll('\\', '/');
  const run = (...options: string[]) => commandLine(['node', `${manifest.runtime}/run.mjs`, ...options, file]);
  const folder = folderShown(place.root);
  const go = folder === '.' ? [] : [commandLine(['cd', asArgument(folder)])];
  return [
    ...go,
    ...(install === 'done' ? [] : [`${packageManager} install`]),
    ...scriptless.map((name) => `If you are asked about the install script of ${name}: it need not run`),
    ...part.nextSteps({ run }),
  ];
}
