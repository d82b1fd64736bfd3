/**
 * Which signals the master listens to, and what each does; and how signals are taken over from whoever else in this process
 * listens to them, in the master and in every worker.
 *
 * A handler only records its signal and wakes the loop of the master, which acts on it.
 *
 * A task, or a library that it loads, may listen to signals by itself, and exit: then the master would end with the wrong
 * status, and a worker in the middle of an item. So while signals are taken over nobody else's listener is called, whether
 * it was there before or comes later. The listeners stay where they are: whoever removes one removes it.
 */

import tty from 'node:tty';

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
    does: 'no new items; items in progress finish; workers exit. Again after --force-after: forceful',
  },
  { signal: 'SIGQUIT', action: 'graceful', does: 'as INT' },
  {
    signal: 'SIGTERM',
    action: 'forceful',
    does: 'aborts context.signal, then kills workers; with --grace, graceful first',
  },
  { signal: 'SIGHUP', action: 'graceful', does: 'as INT, unless --ignore-hup' },
  { signal: 'SIGUSR2', action: 'dump', does: 'prints on stderr what each worker does, and where in the code' },
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

/** Signals that are taken over. */
export interface Takeover {
  /** Gives the signals back: the listeners of others are called again. */
  end(): void;
}

/** Older releases of @types/node let `process.listeners` be asked for signals only. */
const emitter: NodeJS.EventEmitter = process;

type Emit = (name: string | symbol, ...args: unknown[]) => boolean;

/** handlers - what is called for each signal. */
export function takeOverSignals(handlers: ReadonlyMap<NodeJS.Signals, () => void>): Takeover {
  let isOn = true;
  const before = process.emit as Emit;
  const emit: Emit = (name, ...args) => {
    const handler = isOn ? handlers.get(name as NodeJS.Signals) : undefined;
    if (!handler) return Reflect.apply(before, process, [name, ...args]);
    handler();
    return true;
  };
  /** Keeps Node.js listening: it stops when a signal's last listener goes. */
  const keep = (): void => {};
  const listen = (): void => {
    if (!isOn) return;
    for (const signal of handlers.keys()) if (!process.listeners(signal).includes(keep)) process.on(signal, keep);
    if (!emitter.listeners('removeListener').includes(removed)) emitter.on('removeListener', removed);
  };
  // removeAllListeners() takes ours too: it stands again before any signal can be delivered.
  const removed = (_: string | symbol, listener: unknown): void => {
    if (isOn && (listener === keep || listener === removed)) process.nextTick(listen);
  };
  process.emit = emit as typeof process.emit;
  for (const signal of handlers.keys()) {
    // Node.js goes by the `emit` that there was when the first listener came: so they come once more, raw, so that a `once` stays one.
    const others = process.rawListeners(signal) as NodeJS.SignalsListener[];
    for (const other of others) process.off(signal, other);
    process.on(signal, keep);
    for (const other of others) process.on(signal, other);
  }
  listen();
  return {
    end() {
      isOn = false;
      if (process.emit === (emit as typeof process.emit)) process.emit = before as typeof process.emit;
      emitter.off('removeListener', removed);
      for (const signal of handlers.keys()) process.off(signal, keep);
    },
  };
}
