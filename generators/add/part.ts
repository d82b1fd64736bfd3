/** `divvy add telemetry`, `divvy add engine bullmq`: a part of the runtime that a project has only on demand, with the packages that it needs. */

import { runStages } from '../change-set/environment.ts';
import { write } from '../change-set/write.ts';
import { type Installed, install, NOTHING_INSTALLED } from '../next-steps/install.ts';
import { asTyped } from '../programs/shell.ts';
import { type Part, wordsOf } from '../project/parts.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { flagNotHere } from '../terminal/errors.ts';
import { type FlagName, written } from '../terminal/flags.ts';
import { folderShown } from './folder-shown.ts';
import { type RenderedPart, renderPart } from './part-render.ts';
import { reportPart } from './part-report.ts';
import { type PartSubject, settlePart } from './part-subject.ts';

/** The flags of `divvy add` that are about a task. */
const OF_TASKS = ['template', 'ref', 'trust', 'hooks', 'data', 'data-file', 'runtime-dir', 'on-conflict'] as const;

/**
 * Runs the steps, from top to bottom. Writes nothing before every step up to `write` has passed.
 *
 * Resolves with 0; or with 1 if the part is there but the install failed. Rejects with a Refusal: with exit code 2 if there
 * is no project, with 3 if it can't be edited or is of another release, with 5 for uncommitted changes.
 */
export async function addPart(call: Call, part: Part): Promise<Exit> {
  const wrong = OF_TASKS.find((name: FlagName) => call.values[name] !== undefined);
  if (wrong !== undefined) throw flagNotHere(written(wrong), [call.shown, ...wordsOf(part)].join(' '));
  let subject: PartSubject;
  let rendered: RenderedPart;
  let planned: Planned | undefined;
  let installed: Installed = NOTHING_INSTALLED;

  await runStages('A part for this project', call.cwd, {
    prompting: [
      async ({ ask }) => {
        subject = await settlePart(call, part, ask);
      },
    ],
    conflicts: [
      async () => {
        rendered = await renderPart(call, subject);
        if (call.values.plan !== undefined) planned = writePlan(call, rendered.changeSet);
        else if (!isPreview(call)) write(rendered.changeSet, asTyped(call));
      },
    ],
    end: [
      async () => {
        const { place, packageManager } = subject;
        const isWritten = !isPreview(call) && rendered.changeSet.changes.length > 0;
        if (isWritten)
          installed = await install(call, packageManager, part, { root: place.root, shown: folderShown(place.root) });
        reportPart(call, subject, rendered, installed, planned);
      },
    ],
  });
  return installed.failed === undefined ? 0 : 1;
}
