/**
 * Tries a merged runtime before it is put in place: it must do what a runtime promises, and the project's tasks must have no
 * errors of types with it. What the old runtime fails too is told, and not blamed on the upgrade.
 */

import { readBefore } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { parseJson } from '../json/parse.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';
import { addedFiles, type Home, ownedFiles } from '../vendored/owned.ts';
import { releases } from '../vendored/releases.ts';
import type { Outcome } from '../vendored/three-way.ts';
import { isIn } from '../versions.ts';
import { cannotTry } from './errors.ts';
import { checkTypes, type Runtime } from './type-check.ts';

/** What came of it. */
export interface Tried {
  readonly isTried: boolean;
  /** How many promises hold. */
  readonly passed: number;
  /** What the merged runtime fails, and the old one does not. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  /** What the old one fails too. */
  readonly failedBefore: readonly { readonly name: string; readonly reason: string }[];
  /** Why no types were checked. */
  readonly noTypes?: string;
}

export const NOT_TRIED: Tried = { isTried: false, passed: 0, failed: [], failedBefore: [] };

/** Rejects with a Refusal with exit code 1 where a runtime cannot be tried. */
export async function tryOut(
  call: Call,
  home: Home,
  settled: readonly Outcome[],
  hasMigrated: boolean,
): Promise<Tried> {
  refuseOtherNode(call, home);
  const [before, after] = [runtimeNow(home), runtimeAfter(home, settled)];
  const { conform } = await import('../conformance/suite.ts');
  const text = 'Trying the merged runtime: its promises, then the types of the tasks. This takes up to half a minute.';
  return untilSignal((signal) =>
    saying(call.terminal.note, text, async () => {
      const now = await conform(after, { signal });
      const names = now.failed.map(({ name }) => name);
      const earlier =
        names.length === 0 ? [] : (await conform(before, { only: names, signal })).failed.map(({ name }) => name);
      // The compiler would find the tasks as they still are.
      const types = hasMigrated ? { skipped: MIGRATED } : await checkTypes(home, before, after);
      const wrong = 'wrong' in types ? types.wrong.map((reason) => ({ name: 'the types of the tasks', reason })) : [];
      return {
        isTried: true,
        passed: now.passed.length,
        // Where nothing holds, nothing was tried.
        failed: [...now.failed.filter(({ name }) => now.passed.length === 0 || !earlier.includes(name)), ...wrong],
        failedBefore: now.passed.length === 0 ? [] : now.failed.filter(({ name }) => earlier.includes(name)),
        ...('skipped' in types && { noTypes: types.skipped }),
      };
    }),
  );
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal ends the trial, with all that it has started and made, and then this process. */
async function untilSignal<Result>(act: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const stop = new AbortController();
  let ended: NodeJS.Signals | undefined;
  const end = (signal: NodeJS.Signals) => {
    ended ??= signal;
    stop.abort();
  };
  for (const signal of ENDING) process.on(signal, end);
  try {
    return await act(stop.signal);
  } finally {
    for (const signal of ENDING) process.off(signal, end);
    if (ended !== undefined) process.kill(process.pid, ended);
  }
}

const MIGRATED = 'the release renames something in them. `npm run typecheck` checks them now';

/** The runtime that is there, with what its owner put beside it. */
function runtimeNow(home: Home): Runtime {
  const owned = ownedFiles(home, releases());
  return runtimeOf(home, [...owned.keys(), ...addedFiles(home, owned)]);
}

function runtimeOf({ root, manifest }: Home, paths: readonly string[]): Map<string, Buffer> {
  const folder = `${manifest.runtime}/`;
  return new Map(
    paths
      .filter((path) => path.startsWith(folder))
      .flatMap((path) => {
        const bytes = readBefore(root, path)?.bytes;
        return bytes === undefined ? [] : [[path.slice(folder.length), bytes] as const];
      }),
  );
}

function runtimeAfter(home: Home, settled: readonly Outcome[]): Runtime {
  const folder = `${home.manifest.runtime}/`;
  const runtime = new Map(runtimeNow(home));
  for (const { path, movedFrom, after } of settled) {
    if (!path.startsWith(folder)) continue;
    if (movedFrom !== undefined) runtime.delete(movedFrom.slice(folder.length));
    if (after === undefined) runtime.delete(path.slice(folder.length));
    else runtime.set(path.slice(folder.length), after);
  }
  return runtime;
}

/** A trial on another Node.js than the project's says nothing of it. */
function refuseOtherNode({ shown }: Call, { root }: Home): void {
  if (process.platform === 'win32') throw cannotTry('the runtime does not run on Windows', shown);
  let engines: { readonly node?: unknown } | undefined;
  try {
    ({ engines } = parseJson(readBefore(root, PACKAGE_JSON)?.bytes ?? '{}') as { engines?: { node?: unknown } });
  } catch {
    return; // What edits it says that it cannot be read.
  }
  const range = engines?.node;
  if (typeof range !== 'string' || isIn(process.version, range)) return;
  throw cannotTry(`${PACKAGE_JSON} asks for Node.js ${range}, and this is ${process.version}`, shown);
}
