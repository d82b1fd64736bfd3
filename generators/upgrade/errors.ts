/** The messages of refusals about upgrades. */

import { LOCK } from '../disk/file-names.ts';
import { divvyOf } from '../programs/shell.ts';
import { lines, quoted, Refusal } from '../terminal/refusal.ts';

export const notCarried = (wanted: string, here: string, shown: string): Refusal =>
  new Refusal(
    2,
    `this is divvy ${here}, which does not have the runtime of ${wanted}`,
    `Take the divvy of that version: ${divvyOf(wanted, shown.replace(/^\S+ /, ''))}`,
  );

export const lockNewer = (runtime: string, here: string): Refusal =>
  new Refusal(
    3,
    `the runtime here is of divvy ${runtime}, which is newer than this divvy (${here})`,
    `Nothing was changed. Take a divvy that knows it: ${divvyOf('latest', 'upgrade')}`,
  );

export const backwards = (runtime: string, wanted: string): Refusal =>
  new Refusal(
    2,
    `the runtime here is of divvy ${runtime}, and ${wanted} is older: an upgrade goes forwards only`,
    'To take back the last upgrade: divvy undo. For an older one: git checkout COMMIT -- the runtime, divvy.lock.json and package.json.',
  );

export const otherTarget = (waiting: string, given: string, shown: string): Refusal =>
  new Refusal(
    2,
    `the upgrade that waits goes to ${quoted(waiting)}, and --to says ${quoted(given)}`,
    `Go on without --to, or forget it first: ${shown} --abort`,
  );

export const noRuntime = (folder: string): Refusal =>
  new Refusal(
    3,
    `${folder}/run.mjs is missing, so there is no runtime to renew`,
    `Nothing was changed. Bring it back first: git checkout -- ${folder}. \`divvy doctor\` names what else is missing.`,
  );

export const upgradeWaits = (shown: string): Refusal =>
  new Refusal(
    3,
    'an upgrade waits here for its conflicts to be resolved: .divvy/upgrade/',
    `Resolve them in .divvy/upgrade/merged/, then: ${shown} --continue. To forget it: ${shown} --abort`,
  );

export const nothingWaits = (shown: string): Refusal =>
  new Refusal(2, 'no upgrade waits here, so there is nothing to continue', `To begin one: ${shown}`);

export const ofOtherDivvy = (version: string, here: string): Refusal =>
  new Refusal(
    2,
    `divvy ${version} began this upgrade, and this is ${here}, which may merge otherwise`,
    `Go on with the same: ${divvyOf(version, 'upgrade', '--continue')}`,
  );

export const changedSince = (paths: readonly string[], shown: string): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file has' : `${paths.length} files have`} changed since the upgrade began:${lines(paths)}`,
    `Nothing was changed. Put that back and try again. Or save what you resolved in .divvy/upgrade/merged/, forget the upgrade (${shown} --abort), and begin again.`,
  );

interface Open {
  readonly path: string;
  readonly conflicts: number;
  readonly reason?: string;
}

const stillOpen = ({ path, conflicts, reason }: Open): string =>
  `.divvy/upgrade/merged/${path}: ${reason ?? `${conflicts} ${conflicts === 1 ? 'place' : 'places'}`}`;

export const stillInConflict = (open: readonly Open[], shown: string): Refusal =>
  new Refusal(
    3,
    `still in conflict:${lines(open.map(stillOpen))}`,
    `Nothing was changed. Resolve them (the lines between <<<<<<< and >>>>>>>), then: ${shown} --continue`,
  );

export const cannotTry = (why: string, shown: string): Refusal =>
  new Refusal(
    1,
    `the merged runtime cannot be tried here: ${why}`,
    `Nothing was changed. Upgrade where it can be tried, or add --no-verify: ${LOCK} then says that nobody has tried it.\n  ${shown} --no-verify`,
  );

export const toIsOfRuntime = (): Refusal =>
  new Refusal(
    2,
    '--to is for the runtime, and --template for tasks',
    'For a version of a template that is not the newest, give --ref, or name it in divvy.json.',
  );

export const noTaskOfTemplate = (name: string, templates: readonly string[]): Refusal =>
  new Refusal(
    2,
    name === ''
      ? "no task here was made from a team's template"
      : `no task here was made from the template ${quoted(name)}`,
    templates.length === 0
      ? 'Templates of this package have no versions of their own: a task that was made from one is yours.'
      : `There are tasks from: ${templates.join(', ')}.`,
  );
