/** The release that an upgrade goes to. */

import type { Lock } from '../project/lock.ts';
import type { Call } from '../terminal/command.ts';
import { badVersion } from '../vendored/errors.ts';
import { type Release, releaseHere, releases } from '../vendored/releases.ts';
import { isNewer, isVersion } from '../versions.ts';
import { backwards, lockNewer, notCarried, otherTarget } from './errors.ts';

/**
 * The release of this divvy, or that of `--to`.
 *
 * waiting - the release of an upgrade that waits, if this goes on with it.
 *
 * Throws a Refusal: with exit code 2 if `--to` names no version, or one that this divvy does not have; with 3 if the
 * project's is newer.
 */
export function settleTarget({ values, shown }: Call, { runtime }: Lock, waiting: string | undefined): Release {
  if (waiting !== undefined && values.to !== undefined && values.to !== waiting)
    throw otherTarget(waiting, values.to, shown);
  const here = releaseHere();
  const wanted = waiting ?? values.to ?? here.version;
  for (const each of [wanted, runtime]) if (!isVersion(each)) throw badVersion(each);
  if (isNewer(wanted, here.version)) throw notCarried(wanted, here.version, shown);
  if (isNewer(runtime, here.version)) throw lockNewer(runtime, here.version);
  if (isNewer(runtime, wanted)) throw backwards(runtime, wanted);
  const target = releases().of(wanted);
  if (target === undefined) throw notCarried(wanted, here.version, shown);
  return target;
}
