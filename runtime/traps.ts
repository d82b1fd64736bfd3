/**
 * Takes signals over from whoever else in this process listens to them. Runs in the master and in every worker. Internal.
 *
 * A task, or a library that it loads, may listen to signals by itself, and exit: then the master would end with the wrong
 * status, and a worker in the middle of an item. So while signals are taken over nobody else's listener is called, whether
 * it was there before or comes later. The listeners stay where they are: whoever removes one removes it.
 */

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
