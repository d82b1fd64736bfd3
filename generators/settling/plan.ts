/**
 * A plan: a file that says what a command would write. A person can read it, keep it or pass it on; `divvy apply`
 * writes it.
 *
 * Whoever applies a plan trusts it like a patch: it may put any content into any file of the project. But it cannot
 * reach a file outside the folder that it is applied in, or one that belongs to git or to a package manager. divvy
 * reads it as if an attacker had written it.
 */

import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { badPlan, planNotWritten, planThere } from '../change-set/errors.ts';
import { type Change, type ChangeSet, realRoot, type Wanted } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { MANIFEST } from '../disk/file-names.ts';
import { sumOf } from '../disk/line-ends.ts';
import { whyUnsafe } from '../disk/paths.ts';
import { parseJson } from '../json/parse.ts';
import { version } from '../package.ts';
import { asTyped, divvyLine } from '../programs/shell.ts';
import { projectFolder } from '../project/manifest.ts';
import { whyNotAs } from '../schema/schema.ts';
import type { Call } from '../terminal/command.ts';
import { isShown, type Planned } from './preview.ts';

/** The most bytes that a plan may have. */
const LARGEST = 64 * 1024 * 1024;

/** The schema of a plan is templates/divvy.plan.schema.json. */
interface PlanFile {
  readonly planVersion: 1;
  readonly divvy: string;
  readonly command: string;
  readonly in: { readonly project: true } | { readonly folder: string };
  readonly goneFolders: readonly string[];
  readonly changes: readonly PlannedChange[];
}

interface PlannedChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: (({ readonly text: string } | { readonly base64: string }) & { readonly mode?: number }) | null;
}

/** A plan, read from its file. */
export interface Plan {
  readonly command: string;
  /** The folder that its paths start from: absolute, without symbolic links. */
  readonly root: string;
  readonly wanted: readonly (Wanted & { readonly beforeSum: string | null })[];
  readonly goneFolders: readonly string[];
}

/**
 * Writes the plan that `--plan` asks for, and nothing else; with `--dry-run` or `--diff` not even that.
 *
 * command - the command line, for people, without secrets.
 *
 * Throws a Refusal: with exit code 3 if another file has that name, with 1 if the plan cannot be written.
 */
export function writePlan(
  call: Call,
  { root, changes, goneFolders }: ChangeSet,
  command: string = asTyped(call),
): Planned {
  const file = resolve(call.cwd, call.values.plan ?? '');
  const isProject = stat(join(root, MANIFEST)) !== undefined;
  const base = isProject ? root : baseOf(call.cwd, root);
  const plan: PlanFile = {
    planVersion: 1,
    divvy: version,
    command,
    in: isProject ? { project: true } : { folder: relative(base, root).replaceAll('\\', '/') || '.' },
    goneFolders: goneFolders ?? [],
    changes: changes.map(planned),
  };
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  if (isShown(call)) refuseOther(file, text);
  else writeNew(file, text);
  const whereApplied = isProject ? projectFolder(process.cwd()) : process.cwd();
  const isHere = call.cwd === process.cwd() && whereApplied !== undefined && realRoot(whereApplied) === base;
  const given = call.values.plan ?? '';
  const argv = isHere ? [given.startsWith('-') ? `./${given}` : given] : ['-C', base, file];
  return { file, apply: divvyLine(call, 'apply', ...argv) };
}

/** The folder in which a person applies a plan for a new project: the current folder, or the one above the project. */
function baseOf(cwd: string, root: string): string {
  const here = realRoot(cwd);
  const below = relative(here, root);
  return below.startsWith('..') || resolve(here, below) !== root || whyNotBelow(below) ? dirname(root) : here;
}

const whyNotBelow = (below: string): boolean => below !== '' && whyUnsafe(below.replaceAll('\\', '/')) !== undefined;

function planned({ path, before, after, mode }: Change): PlannedChange {
  if (after === undefined) return { path, before: before ? sumOf(before.bytes) : null, after: null };
  const text = after.toString('utf8');
  const content = Buffer.from(text).equals(after) ? { text } : { base64: after.toString('base64') };
  return {
    path,
    before: before ? sumOf(before.bytes) : null,
    after: { ...content, ...(mode !== undefined && { mode }) },
  };
}

/** Returns true if the same plan is already there; throws a Refusal if something else is. */
function refuseOther(file: string, text: string): boolean {
  const state = stat(file);
  if (state?.isFile() && readFileSync(file, 'utf8') === text) return true;
  if (state !== undefined) throw planThere(file);
  return false;
}

/** Never overwrites a file: if the name was mistyped, it may be any file. */
function writeNew(file: string, text: string): void {
  if (refuseOther(file, text)) return;
  let made: number | undefined;
  try {
    made = openSync(file, 'wx');
    writeFileSync(made, text);
  } catch (error) {
    // Half a plan is useless, and would block the next try.
    if (made !== undefined) rmSync(file);
    throw planNotWritten(file, (error as Error).message);
  } finally {
    if (made !== undefined) closeSync(made);
  }
}

/**
 * Reads a plan.
 *
 * Rejects with a Refusal with exit code 2 if it is not a plan, or names a path that no plan may name.
 */
export async function readPlan(call: Call, given: string): Promise<Plan> {
  const refuse = (reason: string) => badPlan(given, reason);
  const value = parse(resolve(call.cwd, given), refuse);
  const reason = await whyNotAs('templates/divvy.plan.schema.json', value, basename(given));
  if (reason !== undefined) throw refuse(reason);
  const parsed = value as PlanFile;
  for (const path of [...parsed.changes.map((change) => change.path), ...parsed.goneFolders]) {
    const reason = whyUnsafe(path);
    if (reason !== undefined) throw refuse(`${JSON.stringify(path)}: ${reason}`);
  }
  const wanted = parsed.changes.map(({ path, before, after }) => {
    const bytes = after && bytesOf(after);
    if (bytes === undefined) throw refuse(`${JSON.stringify(path)}: its content is not base64`);
    return { path, beforeSum: before, after: bytes ?? undefined, mode: after?.mode };
  });
  return { command: parsed.command, root: rootOf(call, parsed, refuse), wanted, goneFolders: parsed.goneFolders };
}

function parse(file: string, refuse: (reason: string) => Error): unknown {
  try {
    const state = statSync(file);
    // Reading something other than a plain file may never end.
    if (!state.isFile()) throw new Error('it is not a file');
    if (state.size > LARGEST) throw new Error(`it has ${state.size} bytes, and ${LARGEST} is the most`);
    return parseJson(readFileSync(file));
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

/** The new bytes; undefined if they are not valid base64. */
function bytesOf(after: { readonly text: string } | { readonly base64: string }): Buffer | undefined {
  if ('text' in after) return Buffer.from(after.text);
  const bytes = Buffer.from(after.base64, 'base64');
  return bytes.toString('base64') === after.base64 ? bytes : undefined;
}

/** The plan's folder must be the current one or below it, and no link may be on the way to it. */
function rootOf({ cwd }: Call, { in: place }: PlanFile, refuse: (reason: string) => Error): string {
  if ('project' in place) return realRoot(projectFolder(cwd) ?? cwd);
  const base = realRoot(cwd);
  if (place.folder === '.') return base;
  const reason = whyUnsafe(place.folder);
  if (reason !== undefined) throw refuse(`its folder ${JSON.stringify(place.folder)}: ${reason}`);
  let folder = base;
  for (const name of place.folder.split('/')) {
    folder = join(folder, name);
    const state = stat(folder);
    if (state !== undefined && !state.isDirectory()) throw refuse(`its folder: ${folder} is not a folder`);
  }
  return folder;
}
