/**
 * Checks that Node.js's permission model (--permission) allows everything a run needs. Runs in the master. Internal.
 */

import os from 'node:os';
import path from 'node:path';
import { notPermitted } from '../errors.ts';

/** From this Node.js release on, connections need a permission, even those of unix domain sockets. */
const NET_SINCE = 25;

/**
 * Throws UsageError if the permission model is on and denies something that workers need; the error names the flags
 * that allow it.
 *
 * socket - path of the socket; undefined for one in a new folder.
 */
export function needPermissions(socket: string | undefined): void {
  const { permission } = process as { permission?: { has(scope: string, reference?: string): boolean } };
  if (!permission) return;
  const folder = socket === undefined ? os.tmpdir() : path.dirname(path.resolve(socket));
  const needed: readonly [flag: string, isAllowed: boolean][] = [
    ['--allow-child-process', permission.has('child')],
    ['--allow-worker', permission.has('worker')],
    ['--allow-net', permission.has('net') || Number.parseInt(process.versions.node, 10) < NET_SINCE],
    ['--allow-fs-read=*', permission.has('fs.read')],
    [`--allow-fs-write=${folder}/*`, permission.has('fs.write', path.join(folder, 'divvy'))],
  ];
  const missing = needed.filter(([, isAllowed]) => !isAllowed).map(([flag]) => flag);
  if (missing.length > 0) throw notPermitted(missing);
}
