/**
 * Tries a merged runtime before it is put in place: it must do what a runtime promises, and the project's tasks must have no
 * errors of types with it. What the old runtime fails too is told, and not blamed on the upgrade.
 */

import type { Conformity, Failure } from '../conformance/suite.ts';
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
  readonly failed: readonly Failure[];
  /** What the old one fails too. */
  readonly failedBefore: readonly Failure[];
  /** What failed the first time, and held the second. */
  readonly wavering: readonly string[];
  /** Why no types were checked. */
  readonly noTypes?: string;
}

const NO_FAILURE: Conformity = { passed: [], failed: [] };

export const NOT_TRIED: Tried = { isTried: false, passed: 0, failed: [], failedBefore: [], wavering: [] };

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
      const first = await conform(after, { signal });
      const names = first.failed.map(({ name }) => name);
      const retry = (runtime: Runtime) => (names.length === 0 ? NO_FAILURE : conform(runtime, { only: names, signal }));
      // On a busy machine something may take longer than a case waits for it: what holds the second time holds.
      const again = await retry(after);
      const earlier = (again.failed.length === 0 ? [] : (await retry(before)).failed).map(({ name }) => name);
      const isBlamed = ({ name }: Failure) => first.passed.length === 0 || !earlier.includes(name);
      // The compiler would find the tasks as they still are.
      const types = hasMigrated ? { skipped: MIGRATED } : await checkTypes(home, before, after);
      const wrong = 'wrong' in types ? types.wrong.map((reason) => ({ name: 'the types of the tasks', reason })) : [];
      return {
        isTried: true,
        passed: first.passed.length + again.passed.length,
        // Where nothing holds, nothing was tried.
        failed: [...again.failed.filter(isBlamed), ...wrong],
        failedBefore: again.failed.filter((each) => !isBlamed(each)),
        wavering: again.passed,
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
