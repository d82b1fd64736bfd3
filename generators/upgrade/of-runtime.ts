/** An upgrade of the runtime, and of the files that every new project gets. */

import { readBefore } from '../disk/disk.ts';
import { version } from '../package.ts';
import type { Call } from '../terminal/command.ts';
import { Bases } from '../vendored/base.ts';
import type { Home } from '../vendored/owned.ts';
import { releases } from '../vendored/releases.ts';
import { threeWay } from '../vendored/three-way.ts';
import { changesOf } from './changes.ts';
import { noRuntime } from './errors.ts';
import { migrationsOf } from './migrations.ts';
import { settleTarget } from './target.ts';
import type { Upgrading } from './upgrading.ts';
import { NOT_TRIED, tryOut } from './verify.ts';

/** How to look for a divvy that is newer than this one. */
const NEWEST = 'npx --yes --package=create-divvy-task@latest divvy upgrade';

/**
 * waiting - the release that an upgrade goes to that waits; undefined for a new one.
 *
 * Rejects with a Refusal like settleTarget and threeWay, and with exit code 3 if there is no runtime.
 */
export async function upgradeOfRuntime(call: Call, home: Home, waiting: string | undefined): Promise<Upgrading> {
  const { lock, manifest, root } = home;
  const target = settleTarget(call, lock, waiting);
  if (readBefore(root, `${manifest.runtime}/run.mjs`) === undefined) throw noRuntime(manifest.runtime);
  const isUntried = call.values.verify === false;
  const migrations = await migrationsOf(home, releases().between(lock.runtime, target.version));
  const hasMigrated = migrations.wanted.length > 0;
  return {
    what: 'the runtime',
    from: `divvy ${lock.runtime}`,
    to: `divvy ${target.version}`,
    isNewer: lock.runtime !== target.version,
    upToDate: `Nothing to do: the runtime is of divvy ${lock.runtime}, the newest that this divvy (${version}) has.\nTo look for a newer one: ${NEWEST}`,
    outcomes: call.values.check ? [] : await threeWay(home, new Bases(call, home, releases()), releases(), target),
    saved: { of: { kind: 'runtime' }, from: lock.runtime, to: target.version },
    notes: migrations.notes,
    changesOf: (settled) => changesOf(home, target, settled, migrations, isUntried),
    // Where nothing of the runtime changes there is nothing to try, unless an earlier upgrade was not tried.
    tryOut: async (settled) => {
      const isChanged = settled.some(({ kind }) => !['same', 'mine', 'gone'].includes(kind));
      return isUntried || (!isChanged && lock.unverified !== true)
        ? NOT_TRIED
        : tryOut(call, home, settled, hasMigrated);
    },
  };
}
