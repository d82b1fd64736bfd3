/**
 * Which signals the master handles, and what each does. Also how the runtime takes over signals from other listeners in
 * this process, in the master and in every worker.
 *
 * A handler only records its signal and wakes the master's loop, which acts on it.
 *
 * A task, or a library that it loads, may listen to signals itself and exit. Then the master would end with the wrong
 * status, and a worker in the middle of an item. So while signals are taken over, no other listener is called, whether
 * it was added before or later. The listeners stay registered, so their owners can still remove them.
 */

import tty from 'node:tty';

/** One row of the table. */
export interface SignalRow {
  readonly signal: NodeJS.Signals;
  readonly action: 'graceful' | 'forceful' | 'dump' | 'more workers' | 'fewer workers';
  readonly does: string;
  /** Only if stdin is not a terminal: a background job that reads its terminal would get these. */
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

/**
 * SIGINFO (Ctrl+T), where the system has it, does the same as USR2. Node.js does not list the name, but can listen to
 * it.
 */
const SIGINFO = 'SIGINFO' as NodeJS.Signals;
const HAS_SIGINFO = ['darwin', 'freebsd', 'openbsd', 'netbsd'].includes(process.platform);

/** Who gets the signals: several runs in one process share the traps, and the last one to end removes them. */
const recorders = new Set<(row: SignalRow) => void>();
let takeover: Takeover | undefined;

/**
 * Listens to the signals of the table instead of all other listeners, including later ones.
 *
 * record - called for each signal that arrives; it must only record it.
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

/** Stops calling `record`. If it was the last one, gives the signals back: the earlier listeners are called again. */
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

/** In older releases of @types/node, `process.listeners` accepts only signals. */
const emitter: NodeJS.EventEmitter = process;

type Emit = (name: string | symbol, ...args: unknown[]) => boolean;
type Handlers = ReadonlyMap<NodeJS.Signals, () => void>;

/** What each takeover that is not over calls for a signal; of several, the last one counts. */
const takeovers: Handlers[] = [];

/**
 * Takes signals over from all other listeners. While another takeover has a signal already, none is lost that arrives now:
 * Node.js would drop it if nobody listened in between.
 *
 * handlers - the function to call for each signal.
 */
export function takeOverSignals(handlers: Handlers): Takeover {
  let isOn = true;
  const isOurs = (signal: NodeJS.Signals): boolean => takeovers.some((each) => each.has(signal));
  const fresh = [...handlers.keys()].filter((signal) => !isOurs(signal));
  takeovers.push(handlers);
  const before = process.emit as Emit;
  const emit: Emit = (name, ...args) => {
    const handler = takeovers.findLast((each) => each.has(name as NodeJS.Signals))?.get(name as NodeJS.Signals);
    if (!handler) return Reflect.apply(before, process, [name, ...args]);
    handler();
    return true;
  };
  /** Keeps Node.js listening: it stops when the last listener of a signal is removed. */
  const keep = (): void => {};
  const listen = (): void => {
    if (!isOn) return;
    for (const signal of handlers.keys()) if (!process.listeners(signal).includes(keep)) process.on(signal, keep);
    if (!emitter.listeners('removeListener').includes(removed)) emitter.on('removeListener', removed);
  };
  // removeAllListeners() removes ours, too: add it again before any signal can be delivered.
  const removed = (_: string | symbol, listener: unknown): void => {
    if (isOn && (listener === keep || listener === removed)) process.nextTick(listen);
  };
  process.emit = emit as typeof process.emit;
  for (const signal of fresh) {
    // Node.js calls the `emit` that existed when the first listener was added, so remove and add all listeners. Add
    // them raw, so that a `once` stays a `once`.
    const others = process.rawListeners(signal) as NodeJS.SignalsListener[];
    for (const other of others) process.off(signal, other);
    process.on(signal, keep);
    for (const other of others) process.on(signal, other);
  }
  listen();
  return {
    end() {
      isOn = false;
      takeovers.splice(takeovers.indexOf(handlers), 1);
      if (process.emit === (emit as typeof process.emit)) process.emit = before as typeof process.emit;
      emitter.off('removeListener', removed);
      for (const signal of handlers.keys()) process.off(signal, keep);
    },
  };
}
