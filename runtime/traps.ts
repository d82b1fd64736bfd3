/**
 * Takes signals over from whoever else in this process listens to them. Runs in the master and in every worker. Internal.
 *
 * A task, or a library that it loads, may listen to signals by itself, and exit: then the master would end with the wrong
 * status, and a worker in the middle of an item. So while signals are taken over nobody else's listener is called, whether
 * it was there before or comes later.
 */

/** Signals that are taken over. */
export interface Takeover {
  /** Gives the signals back: the listeners that stood before, or came since, stand again. */
  end(): void;
}

/** handlers - what is called for each signal. */
export function takeOverSignals(handlers: ReadonlyMap<NodeJS.Signals, () => void>): Takeover {
  const held: [NodeJS.Signals, NodeJS.SignalsListener][] = [];
  const sweep = (signal: NodeJS.Signals): void => {
    // Raw listeners: a `once` stays one.
    for (const listener of process.rawListeners(signal) as NodeJS.SignalsListener[]) {
      if (listener === handlers.get(signal)) continue;
      process.off(signal, listener);
      held.push([signal, listener]);
    }
  };
  const added = (name: string | symbol): void => {
    // It is told before the listener is added; before any signal is delivered the listener is gone again.
    if (handlers.has(name as NodeJS.Signals)) process.nextTick(sweep, name);
  };
  for (const [signal, handler] of handlers) {
    sweep(signal);
    process.on(signal, handler);
  }
  process.on('newListener', added);
  return {
    end() {
      process.off('newListener', added);
      for (const [signal, handler] of handlers) process.off(signal, handler);
      for (const [signal, listener] of held.splice(0)) process.on(signal, listener);
    },
  };
}
