/** An upgrade of the tasks that were made from templates of a team, to the newest version of these. */

import { runStages, type Workshop } from '../change-set/environment.ts';
import { readBefore } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { formattersOf } from '../host/formatter.ts';
import { HostFiles } from '../host/host-files.ts';
import { type Place, settlePlace } from '../host/place.ts';
import { testRunnerOf } from '../host/test-runner.ts';
import { blobsOf } from '../programs/git.ts';
import { contractText, hooksOf, readHooks } from '../project/hooks.ts';
import { insertedIn, type Lock, type LockedTask } from '../project/lock.ts';
import { type Answers, settleAnswers } from '../rendering/answers.ts';
import { newestTemplate, templateAgain } from '../rendering/choices.ts';
import { whyClashing } from '../rendering/clashes.ts';
import type { Answer } from '../rendering/placeholders.ts';
import type { Template } from '../sources/templates.ts';
import { settleTrust } from '../sources/trusting.ts';
import { formatting } from '../task-files/formatting.ts';
import { type TaskFiles, taskFiles } from '../task-files/task-files.ts';
import type { Call } from '../terminal/command.ts';
import { Refusal } from '../terminal/refusal.ts';
import { MOST_VERSIONS } from '../vendored/base.ts';
import type { Home, Owned } from '../vendored/owned.ts';
import type { PendingTasks } from '../vendored/pending.ts';
import { type Merging, type Outcome, outcomeOf } from '../vendored/three-way.ts';
import { changeSetOf, wantedOf } from './changes.ts';
import { noTaskOfTemplate, toIsOfRuntime } from './errors.ts';
import type { FromTeam, Renewal } from './renewal.ts';
import { lockWithTask, renewPackages } from './template-parts.ts';
import type { Upgrading } from './upgrading.ts';
import { NOT_TRIED } from './verify.ts';

/**
 * waiting - what was decided before, if this goes on with an upgrade that waits.
 *
 * Rejects with a Refusal: with exit code 1 if a template cannot be fetched, with 2 if there is no such task or an answer is
 * missing, with 3 if a template breaks the rules, with 4 if it needs trust.
 */
export async function upgradeOfTemplates(
  call: Call,
  home: Home,
  waiting: PendingTasks | undefined,
): Promise<Upgrading> {
  if (call.values.to !== undefined) throw toIsOfRuntime();
  const tasks = tasksFrom(home, call.values.template ?? '', waiting);
  const renewals: Renewal[] = [];
  await runStages('Tasks from newer templates', call.cwd, {
    prompting: [
      async ({ ask }) => {
        const place = await settlePlace({ ...call, cwd: home.root }, ask);
        for (const [task, locked] of tasks) {
          const renewal = await renew({ call, home, place, ask, task, locked, waiting: waiting?.[task] });
          if (renewal !== undefined) renewals.push(renewal);
        }
      },
    ],
  });
  const { outcomes, left } = together(renewals, home.lock);
  const host = new HostFiles(home.root, home.lock);
  const notes = call.values.check ? [] : renewals.flatMap((renewal) => renewPackages(host, renewal, home.lock));
  notes.push(
    ...left.map((path) => `${path} belongs to other tasks too, which are not renewed to the same: it stays as it is.`),
  );
  const names = (list: readonly string[]) => [...new Set(list)].join(', ');
  const from = names(renewals.map(({ locked }) => `${locked.template} ${locked.templateVersion}`));
  const to = names(renewals.map(({ newest }) => `${newest.manifest.name} ${newest.manifest.version}`));
  const all = tasks.map(([task]) => task);
  return {
    what: `the ${renewals.length === 1 ? 'task' : 'tasks'} ${names(renewals.map(({ task }) => task))}`,
    from,
    to,
    isNewer: renewals.length > 0,
    upToDate: `Nothing to do: ${all.length === 1 ? 'the task' : 'the tasks'} ${names(all)} ${all.length === 1 ? 'is' : 'are'} of the newest version of the template.`,
    outcomes,
    saved: { of: { kind: 'templates', tasks: Object.fromEntries(renewals.map(decided)) }, from, to },
    notes,
    changesOf: (settled) => {
      const lock = renewals.reduce((before, renewal) => lockWithTask(before, renewal, settled, left), home.lock);
      return changeSetOf(home.root, wantedOf(settled, host), lock, host);
    },
    // What a task does is its owner's, and its tests say whether it still does it.
    tryOut: async () => NOT_TRIED,
  };
}

/**
 * The outcomes of all tasks, each file once. A file that several tasks have stays as it is, unless all of them are renewed, and to
 * the same.
 */
function together(renewals: readonly Renewal[], lock: Lock): { outcomes: Outcome[]; left: string[] } {
  const byPath = Map.groupBy(
    renewals.flatMap((renewal) => renewal.outcomes),
    ({ path }) => path,
  );
  const left: string[] = [];
  const outcomes = [...byPath].flatMap(([path, all]) => {
    const [first, ...more] = all;
    const owners = Object.entries(lock.tasks).filter(([, { files = [] }]) => files.includes(path));
    const isRenewed = owners.every(([task]) => renewals.some((each) => each.task === task));
    const isSame = more.every(({ theirs }) =>
      theirs && first?.theirs ? theirs.equals(first.theirs) : theirs === first?.theirs,
    );
    const isAlone = owners.length <= 1 && more.length === 0;
    if (first !== undefined && (isAlone || (isRenewed && isSame))) return [first];
    if (all.some(({ kind }) => kind !== 'same' && kind !== 'mine' && kind !== 'gone')) left.push(path);
    return [];
  });
  return { outcomes, left };
}

const decided = ({ task, newest, answers }: Renewal) =>
  [task, { resolved: newest.origin.resolved, answers: answers.shown }] as const;

function tasksFrom({ lock }: Home, name: string, waiting: PendingTasks | undefined): [string, FromTeam][] {
  const all = Object.entries(lock.tasks).filter((entry): entry is [string, FromTeam] => isFromTeam(entry[1]));
  const found = all.filter(([task, { template }]) =>
    waiting ? Object.hasOwn(waiting, task) : [template, ''].includes(name),
  );
  if (found.length === 0) throw noTaskOfTemplate(name, [...new Set(all.map(([, { template }]) => template))]);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

const isFromTeam = (task: LockedTask): task is FromTeam => task.template !== undefined && task.source !== undefined;

interface Renewing {
  readonly call: Call;
  readonly home: Home;
  readonly place: Place;
  readonly ask: Workshop['ask'];
  readonly task: string;
  readonly locked: FromTeam;
  readonly waiting: PendingTasks[string] | undefined;
}

/** undefined if its template has nothing newer. */
async function renew(renewing: Renewing): Promise<Renewal | undefined> {
  const { call, home, ask, task, locked, waiting } = renewing;
  const { root, manifest } = home;
  const newest = await newestOf(renewing);
  if (newest.origin.resolved === locked.resolved) return undefined;
  if (call.values.check)
    return { task, locked, old: undefined, newest, answers: NO_ANSWERS, made: NO_FILES, outcomes: [] };
  await settleTrust(call, newest, ask);
  const clashing = (given: readonly Answer[]) => whyClashing(newest.files, task, given);
  const known = waiting?.answers ?? locked.answers;
  const answers = await settleAnswers(call, newest.manifest, known, ask, clashing);
  const old = await oldOf(call, locked, root);
  const made = await make(renewing, newest, answers.answers);
  const before = old && (await make(renewing, old, answersTo(old, locked.answers, answers.answers)));
  const merging: Merging = {
    root,
    from: `${locked.template} ${locked.templateVersion}`,
    to: `${newest.manifest.name} ${newest.manifest.version}`,
    baseOf: (owned) => baseOf(root, owned, before),
    isOwners: (path) => (locked.files ?? []).includes(path),
  };
  return {
    task,
    locked,
    old,
    newest,
    answers,
    made,
    outcomes: await outcomesOf(merging, home, locked, made, manifest.tasks),
  };
}

const NO_ANSWERS: Answers = { answers: [], shown: {} };
const NO_FILES: TaskFiles = { files: [], edited: undefined };

async function newestOf({ call, home, locked, waiting }: Renewing): Promise<Renewal['newest']> {
  const { root, manifest } = home;
  const found = await newestTemplate(
    call,
    locked,
    { folder: root, sources: manifest.templates ?? {} },
    waiting?.resolved,
  );
  if (found.origin === undefined) throw new TypeError(`${locked.source} has no origin`);
  return { ...found, origin: found.origin };
}

/** A folder, or an archive at an address, may have changed since: then only git may still have the base. */
async function oldOf(call: Call, locked: FromTeam, root: string): Promise<Template | undefined> {
  try {
    return await templateAgain(call, locked, root);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** The answers that the lock has, and for secrets, which it never has, those that were given now. */
function answersTo({ manifest }: Template, known: LockedTask['answers'], now: readonly Answer[]): readonly Answer[] {
  return (manifest.prompts ?? []).flatMap(({ name, type, secret }) => {
    const value = secret ? now.find((each) => each.name === name)?.value : known[name];
    return value === undefined ? [] : [{ name, value: String(value), isName: type === 'name' }];
  });
}

async function make(
  { call, home, place, task, locked }: Renewing,
  template: Template,
  answers: readonly Answer[],
): Promise<TaskFiles> {
  const { manifest, lock, root } = home;
  const taskFile = `${manifest.tasks}/${task}${place.isModule ? '.ts' : '.mts'}`;
  const inserted = Object.keys(insertedIn(lock, taskFile)?.hooks ?? {});
  const hooks = readHooks([...new Set([...locked.hooks, ...inserted])].join(','), hooksOf(contractText()));
  const making = { task, place, manifest, template, answers, hooks, testRunner: testRunnerOf(place) };
  const format = formatting(call.terminal, formattersOf(place), root);
  return taskFiles(call.terminal, making, format, () => undefined);
}

async function baseOf(root: string, { path, sum }: Owned, before: TaskFiles | undefined): Promise<Buffer | undefined> {
  const there = readBefore(root, path)?.bytes;
  const made = before?.files.find((file) => file.path === path)?.after;
  for (const bytes of [there, made]) if (bytes !== undefined && sumOf(bytes) === sum) return bytes;
  for await (const blob of blobsOf(root, path, MOST_VERSIONS)) if (sumOf(blob) === sum) return blob;
  return undefined;
}

async function outcomesOf(
  merging: Merging,
  { lock }: Home,
  { files = [] }: FromTeam,
  made: TaskFiles,
  tasks: string,
): Promise<Outcome[]> {
  const theirs = new Map(made.files.map(({ path, after }) => [path, after]));
  const paths = [...new Set([...files, ...theirs.keys()])].sort();
  const outcomes: Outcome[] = [];
  for (const path of paths) {
    const sum = lock.files[path];
    const owned = sum === undefined ? undefined : { path, inRelease: `${tasks}/`, sum };
    // A file without a sum has become its owner's.
    if (owned === undefined && !theirs.has(path)) continue;
    outcomes.push(await outcomeOf(merging, path, owned, theirs.get(path)));
  }
  return outcomes;
}
