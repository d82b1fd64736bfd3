/** `divvy hook add | remove <hook…>`: codemods on a task's class. */

import { runStages } from '../change-set/environment.ts';
import { write } from '../change-set/write.ts';
import { asTyped } from '../programs/shell.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { type Edit, editTask, settleChanges } from './edit.ts';
import { report } from './report.ts';
import { type Subject, settleSubject } from './subject.ts';

/**
 * Runs the steps, from top to bottom. Writes nothing before every step up to `write` has passed.
 *
 * Resolves with 0. Rejects with a Refusal if it must not or cannot edit the task.
 */
export async function hook(call: Call): Promise<Exit> {
  let subject: Subject;
  let edit: Edit;
  let planned: Planned | undefined;

  await runStages('Hooks of a task', call.cwd, {
    prompting: [
      async ({ ask }) => {
        subject = await settleSubject(call, ask);
      },
    ],
    writing: [
      async ({ put }) => {
        edit = await editTask(call, subject, put);
      },
    ],
    conflicts: [
      ({ files }) => {
        const changeSet = settleChanges(subject, files());
        if (call.values.plan !== undefined) planned = writePlan(call, changeSet);
        else if (!isPreview(call)) write({ ...changeSet, dirty: edit.dirty }, asTyped(call));
        report(call, subject, edit, changeSet, planned);
      },
    ],
  });
  return 0;
}
