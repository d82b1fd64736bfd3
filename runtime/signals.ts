/**
 * Which signals the master listens to, and what each does. Runs in the master.
 *
 * A handler only records its signal and wakes the loop of master.ts, which acts on it.
 */

import tty from 'node:tty';
import { type Takeover, takeOverSignals } from './traps.ts';

/** One row of the table. */
export interface SignalRow {
  readonly signal: NodeJS.Signals;
  readonly action: 'graceful' | 'forceful' | 'dump' | 'more workers' | 'fewer workers';
  readonly does: string;
  /** Listened to only where stdin is no terminal: a background job that reads its terminal would be sent these. */
  readonly awayFromTerminal?: true;
}

export const SIGNALS: readonly SignalRow[] = [
  {
    signal: 'SIGINT',
    action: 'graceful',
    does: 'no new items, items in progress finish, workers exit; again after --force-after: forceful',
  },
  { signal: 'SIGQUIT', action: 'graceful', does: 'as INT' },
  { signal: 'SIGTERM', action: 'forceful', does: 'signals are aborted, workers killed; with --grace: graceful first' },
  { signal: 'SIGHUP', action: 'graceful', does: 'as INT, unless --ignore-hup' },
  { signal: 'SIGUSR2', action: 'dump', does: 'says on stderr what each worker is at, and where in the code' },
  { signal: 'SIGTTIN', action: 'more workers', does: 'one worker more', awayFromTerminal: true },
  { signal: 'SIGTTOU', action: 'fewer workers', does: 'one worker fewer', awayFromTerminal: true },
];

/** SIGINFO (Ctrl+T) where the system has it does as USR2. Node.js has no name for it, and listens to it all the same. */
const SIGINFO = 'SIGINFO' as NodeJS.Signals;
const HAS_SIGINFO = ['darwin', 'freebsd', 'openbsd', 'netbsd'].includes(process.platform);

/** Who is told: several runs in one process share the traps, and the last of them to end puts things back. */
const recorders = new Set<(row: SignalRow) => void>();
let takeover: Takeover | undefined;

/**
 * Listens to the signals of the table in place of whoever else does, also later.
 *
 * record - is told of each signal that comes; it must only note it down.
 */
export function installSignalTraps(record: (row: SignalRow) => void): void {
  recorders.add(record);
  if (recorders.size > 1) return;
  const terminal = tty.isatty(0);
  const rows = SIGNALS.filter((row) => !(row.awayFromTerminal && terminal));
  const dump = rows.find((row) => row.action === 'dump');
  if (dump && HAS_SIGINFO) rows.push({ ...dump, signal: SIGINFO });
  const trap = (row: SignalRow) => (): void => {
    for (const tell of recorders) tell(row);
  };
  takeover = takeOverSignals(new Map(rows.map((row) => [row.signal, trap(row)])));
}

/** Tells `record` no more. Where it was the last, lets go of the signals; the handlers that stood before stand again. */
export function resetSignalTraps(record: (row: SignalRow) => void): void {
  if (!recorders.delete(record) || recorders.size > 0) return;
  takeover?.end();
  takeover = undefined;
}
