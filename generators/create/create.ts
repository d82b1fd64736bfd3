/** `create-divvy-task [dir]`, `divvy create [dir]`: a new project. */

import { runStages } from '../change-set/environment.ts';
import { write } from '../change-set/write.ts';
import { version } from '../package.ts';
import { asTyped } from '../programs/shell.ts';
import type { Lock } from '../project/lock.ts';
import { descriptionOf } from '../rendering/files.ts';
import { lockText } from '../rendering/lock-edits.ts';
import { type Settled, settleAll, whyNotInEarnest } from '../settling/conflicts.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { tooManyArguments } from '../terminal/errors.ts';
import type { Refusal } from '../terminal/refusal.ts';
import { type Answers, settleAnswers } from './answers.ts';
import { type Followed, follow, NOTHING_FOLLOWED } from './follow.ts';
import { refuseSwallowedFlags } from './npm-flags.ts';
import { type Rendered, renderProject } from './render.ts';
import { report, taskFileOf } from './report.ts';

/**
 * Runs the steps of create, from top to bottom. Writes nothing before every step up to `write` has passed.
 *
 * Resolves with 0; with 1 if the project is there but a step after the write failed; or with 3 if a preview shows what
 * a real run would refuse. Rejects with a Refusal if it must not or cannot create the project.
 */
export async function create(call: Call): Promise<Exit> {
  const { values } = call;
  const isPreviewed = isPreview(call);
  let answers: Answers;
  let rendered: Rendered;
  let planned: Planned | undefined;
  let settled: Settled;
  let followed: Followed = NOTHING_FOLLOWED;
  let refused: Refusal | undefined;

  await runStages(`A task whose items run in parallel · divvy ${version}`, call.cwd, {
    initializing: [() => refuseSwallowedFlags(call), () => refuseMoreWords(call)],
    prompting: [
      async ({ ask }) => {
        answers = await settleAnswers(call, isPreviewed, ask);
      },
    ],
    writing: [
      async ({ put }) => {
        rendered = await renderProject(call, answers, put);
      },
    ],
    conflicts: [
      async (workshop) => {
        const { root, answers: given, task, template } = answers;
        const made = { task, description: descriptionOf(template) };
        const lock = ({ written }: Settled, before: Lock | undefined) =>
          lockText(
            { ...answers, ...rendered, answers: given.shown, taskFile: taskFileOf(answers), made },
            written,
            before,
          );
        settled = await settleAll(call, { root, edited: new Set(), lock }, workshop);
      },
      () => {
        const changeSet = { root: answers.root, changes: settled.changes, dirty: settled.dirty };
        const typed = asTyped(call, answers.template.manifest.prompts);
        if (values.plan !== undefined) planned = writePlan(call, changeSet, typed);
        else if (!isPreviewed) write(changeSet, typed);
      },
    ],
    end: [
      async () => {
        if (!isPreviewed) followed = await follow(call, answers);
        report(call, answers, { settled, followed, planned, hints: rendered.hints });
        refused = whyNotInEarnest(call, settled);
        if (refused !== undefined) call.terminal.refuse(refused);
      },
    ],
  });
  return refused?.exitCode ?? (followed.failed === undefined ? 0 : 1);
}

/** Checked only now: before, an extra word could be the value of a flag that npm took. */
function refuseMoreWords({ words, shown }: Call): void {
  if (words[1] !== undefined) throw tooManyArguments(words[1], shown, 'one folder');
}
