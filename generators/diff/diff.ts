/** `divvy diff`: what its owner changed in the vendored code, what a newer release changed, or both. Reads only. */

import { relative, resolve } from 'node:path';
import { realRoot } from '../change-set/survey.ts';
import { asText, fromText } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import { lockToEdit } from '../project/lock.ts';
import { readProject } from '../project/manifest.ts';
import { diffOf } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';
import { Bases } from '../vendored/base.ts';
import { badVersion, noLock, noSuchVendored } from '../vendored/errors.ts';
import { changedLines } from '../vendored/merge.ts';
import { type Home, isStatement } from '../vendored/owned.ts';
import { RUNTIME, releaseHere, releases } from '../vendored/releases.ts';
import { type Outcome, threeWay } from '../vendored/three-way.ts';
import { isVersion } from '../versions.ts';

/** A file with its three sides. */
interface Compared extends Outcome {
  /** Whether it was edited, deleted or added since it was released. */
  readonly isMine: boolean;
  /** Whether the newer release has it otherwise. */
  readonly isTheirs: boolean;
}

/**
 * Shows the vendored files that differ: mine from its base; with `--upstream` the base from the newest release that this
 * divvy has; with `--both` a line for each file that says who changed how much of it.
 *
 * Resolves with 10 if there is a difference, otherwise with 0. Rejects with a Refusal with exit code 2 if there is no
 * project, or a file is not one of divvy's.
 */
export async function diff(call: Call): Promise<Exit> {
  const { terminal, values } = call;
  const home = await homeOf(call);
  const wanted = call.words.map((word) => relative(home.root, resolve(call.cwd, word)).replaceAll('\\', '/'));
  const all = await compare(call, home);
  const unknown = wanted.find((path) => !all.some((each) => isIn(path, each)));
  if (unknown !== undefined) throw noSuchVendored(unknown, home.manifest.runtime);
  const asked = all.filter((each) => wanted.length === 0 || wanted.some((path) => isIn(path, each)));
  const found = asked.filter(({ isMine, isTheirs }) =>
    values.both ? isMine || isTheirs : values.upstream ? isTheirs : isMine,
  );
  if (values.both) terminal.say(summary(found, home).join('\n'));
  else for (const each of found) terminal.show(patchOf(each, values.upstream === true));
  if (found.length === 0) terminal.say(nothing(call, home));
  terminal.result({
    command: 'diff',
    version,
    folder: home.root,
    from: home.lock.runtime,
    to: version,
    files: found.map((each) => asJson(each)),
  });
  return found.length > 0 ? 10 : 0;
}

const isIn = (path: string, { path: file, movedFrom }: Outcome): boolean =>
  [file, movedFrom].some((each) => each !== undefined && (each === path || each.startsWith(`${path}/`)));

async function homeOf(call: Call): Promise<Home> {
  const { folder, manifest } = await readProject(call.cwd);
  const root = realRoot(folder);
  const lock = lockToEdit(root);
  if (lock === undefined) throw noLock(root, call.shown);
  if (!isVersion(lock.runtime)) throw badVersion(lock.runtime);
  return { root, manifest, lock };
}

async function compare(call: Call, home: Home): Promise<Compared[]> {
  const known = releases();
  const bases = new Bases(call, home, known);
  const outcomes = await threeWay(home, bases, known, releaseHere());
  return Promise.all(
    outcomes.map(async (outcome) => {
      const base = await bases.ofPath(outcome.movedFrom ?? outcome.path);
      const isMine = !isSame(base, outcome.mine?.bytes);
      // Sums and version change with every release, and say nothing to people.
      const isTheirs = !isSame(base, outcome.theirs) && !isStatementOf(home, outcome.path);
      return { ...outcome, base, isMine, isTheirs };
    }),
  );
}

const isStatementOf = ({ manifest }: Home, path: string): boolean =>
  path.startsWith(`${manifest.runtime}/`) && isStatement(`${RUNTIME}${path.slice(manifest.runtime.length + 1)}`);

/** Bytes that are no text stay as they are. */
function withLf(bytes: Buffer): Buffer {
  const text = asText(bytes);
  return text === undefined ? bytes : fromText(text);
}

const isSame = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined
    ? one === other
    : one.equals(other) || (asText(one) ?? one) === (asText(other) ?? other);

/** A file of which there is no base is shown as a new one, with a line that says so. */
function patchOf({ path: now, movedFrom = now, base, mine, theirs }: Compared, isUpstream: boolean): string {
  const path = isUpstream ? now : movedFrom;
  const after = isUpstream ? theirs : mine?.bytes;
  const [before, changed] = [base, after].map((bytes) => bytes && withLf(bytes));
  const nobody = { mode: 0, owner: { uid: 0, gid: 0 } };
  return diffOf([{ action: 'edit', change: { path, before: before && { bytes: before, ...nobody }, after: changed } }]);
}

function summary(found: readonly Compared[], { lock }: Home): string[] {
  if (found.length === 0) return [];
  const rows = found.map((each) => [harmless(each.path), inWords(each)] as const);
  return [`From divvy ${lock.runtime} to ${version}:`, ...table(rows)];
}

function inWords(compared: Compared): string {
  const { base, mine, theirs, isMine, isTheirs, kind, conflicts } = compared;
  const count = (after: Buffer | undefined): string => {
    if (after === undefined) return 'deleted';
    if (base === undefined) return 'new';
    const { added, removed } = changedLines(asText(base) ?? '', asText(after) ?? '');
    return `+${added} −${removed}`;
  };
  const parts = [
    ...(isMine ? [`you ${count(mine?.bytes)}`] : []),
    ...(isTheirs ? [`the release ${count(theirs)}`] : []),
  ];
  const conflict = `${conflicts} ${conflicts === 1 ? 'conflict' : 'conflicts'}`;
  const both = kind === 'conflict' ? conflict : kind === 'gone' ? 'stays deleted' : 'merges';
  return isMine && isTheirs ? `${parts.join(', ')}: ${both}` : parts.join(', ');
}

function asJson(compared: Compared): object {
  const { path, movedFrom, isMine, isTheirs, kind, conflicts } = compared;
  return { path, ...(movedFrom && { movedFrom }), yours: isMine, release: isTheirs, outcome: kind, conflicts };
}

function nothing(call: Call, { lock, manifest }: Home): string {
  const { both, upstream } = call.values;
  if (!both && !upstream)
    return `Nothing differs: all of ${manifest.runtime}/ is as divvy ${lock.runtime} released it.`;
  return `Nothing differs: divvy ${version} is the newest that this command has.`;
}
