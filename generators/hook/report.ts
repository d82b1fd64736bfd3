/** What `divvy hook` prints at the end. */

import type { ChangeSet } from '../change-set/survey.ts';
import { version } from '../package.ts';
import { divvyLine } from '../programs/shell.ts';
import type { Planned } from '../settling/preview.ts';
import { filesAsJson, isPreview, previewOf, sayNotWritten, sayPreview } from '../settling/preview.ts';
import type { Call } from '../terminal/command.ts';
import type { Edit } from './edit.ts';
import type { Subject } from './subject.ts';

export function report(
  call: Call,
  subject: Subject,
  edit: Edit,
  { root, changes }: ChangeSet,
  planned: Planned | undefined,
): void {
  const { terminal } = call;
  const preview = previewOf(changes);
  sayPreview(call, preview);
  if (edit.hooks.length === 0) terminal.say(nothingToDo(subject));
  else if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else terminal.say(whatWasDone(subject, edit, call));
  terminal.result({
    command: `hook ${subject.action}`,
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    task: subject.path,
    hooks: edit.hooks,
    ...filesAsJson(call, preview),
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}

function nothingToDo({ action, hooks, path }: Subject): string {
  const are = `${hooks.join(', ')} ${hooks.length === 1 ? 'is' : 'are'}`;
  return `Nothing to do: ${action === 'add' ? `${are} in ${path} already` : `${are} not in ${path}`}.`;
}

function whatWasDone({ action, path }: Subject, { hooks }: Edit, call: Call): string {
  const { style } = call.terminal;
  const names = hooks.map(({ name }) => name);
  if (action === 'remove') {
    return `${names.map(style.strong).join(', ')} ${names.length === 1 ? 'is' : 'are'} no longer in ${path}.\nTo bring ${names.length === 1 ? 'it' : 'them'} back: ${divvyLine(call, 'undo')}`;
  }
  const width = Math.max(...names.map((name) => name.length));
  const rows = hooks.map(
    ({ name, line }) => `  ${style.strong(name.padEnd(width))}  ${style.faint(`${path}:${line}`)}`,
  );
  return [
    `Added ${names.length === 1 ? 'a hook' : 'hooks'} for you to fill in:`,
    ...rows,
    `To undo it: ${divvyLine(call, 'undo')}`,
  ].join('\n');
}
