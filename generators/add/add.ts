/**
 * `divvy add <task>`: adds a task to this repository, and those files of the runtime that are missing. `divvy add telemetry`
 * and `divvy add engine bullmq` add a part of the runtime that is there on demand.
 */

import { runStages, type Workshop } from '../change-set/environment.ts';
import { write } from '../change-set/write.ts';
import { type Installed, install, NOTHING_INSTALLED } from '../next-steps/install.ts';
import { asTyped } from '../programs/shell.ts';
import { partToAdd } from '../project/part-words.ts';
import { lockText } from '../rendering/lock-edits.ts';
import { type Settled, settleAll, type Wishes, whyNotInEarnest } from '../settling/conflicts.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import type { Refusal } from '../terminal/refusal.ts';
import { folderShown } from './folder-shown.ts';
import { addPart } from './part.ts';
import { type Rendered, render } from './render.ts';
import { report } from './report.ts';
import { type Subject, settleSubject } from './subject.ts';

/**
 * Runs the steps, from top to bottom. Writes nothing before every step up to `write` has passed.
 *
 * Resolves with 0; with 1 if the task is there but a step after the write failed; or with 3 if a preview shows what a
 * real run would refuse. Rejects with a Refusal if it must not or cannot add the task.
 */
export async function add(call: Call): Promise<Exit> {
  const part = partToAdd(call.shown, call.words);
  if (part !== undefined) return addPart(call, part);
  let subject: Subject;
  let rendered: Rendered;
  let settled: Settled;
  let planned: Planned | undefined;
  let installed: Installed = NOTHING_INSTALLED;
  let refused: Refusal | undefined;

  await runStages('A task for this repository', call.cwd, {
    prompting: [
      async ({ ask }) => {
        subject = await settleSubject(call, ask);
      },
    ],
    writing: [
      async ({ put }) => {
        rendered = await render(call, subject, put);
      },
    ],
    conflicts: [
      async (workshop) => {
        settled = await settle(call, subject, rendered, workshop);
      },
      () => {
        const changeSet = { root: subject.place.root, changes: settled.changes, dirty: settled.dirty };
        const typed = asTyped(call, subject.template.manifest.prompts);
        if (call.values.plan !== undefined) planned = writePlan(call, changeSet, typed);
        else if (!isPreview(call)) write(changeSet, typed);
      },
    ],
    end: [
      async () => {
        const { place, packageManager, template } = subject;
        const where = { root: place.root, shown: folderShown(place.root) };
        const isWritten = !isPreview(call) && settled.changes.length > 0;
        if (isWritten) installed = await install(call, packageManager, template.manifest, where);
        report(call, subject, rendered, settled, installed, planned);
        refused = whyNotInEarnest(call, settled);
        if (refused !== undefined) call.terminal.refuse(refused);
      },
    ],
  });
  return refused?.exitCode ?? (installed.failed === undefined ? 0 : 1);
}

/** Compares everything with the disk, and puts the lock beside it. */
function settle(call: Call, subject: Subject, rendered: Rendered, workshop: Workshop): Promise<Settled> {
  const { host, own: files, edited, folders } = rendered;
  const [taskFile = ''] = files;
  const edits = new Set(host.edited().map(({ path }) => path));
  const made = { ...subject, answers: subject.answers.shown, files, taskFile, edited };
  const lock: Wishes['lock'] = ({ written }, before) => {
    const own = written.filter(({ path }) => !edits.has(path));
    return lockText(made, own, before, host.forLock(), folders);
  };
  return settleAll(call, { root: subject.place.root, edited: edits, lock }, workshop);
}
