/** What goes wrong while a dispatcher or a host talks to the queue. Runs in both. */

import { DivvyError, ProtocolError } from '../errors.ts';

/** Why the queue did not do what it was asked, told once until it does again. */
export class Problems {
  readonly #say: (text: string, isProblem: boolean) => void;
  /** What has been said since it last did what it was asked, without what differs each time. */
  readonly #said = new Set<string>();

  constructor(say: (text: string, isProblem: boolean) => void) {
    this.#say = say;
  }

  /** It did what it was asked. */
  none(): void {
    if (this.#said.size > 0) this.#say('the queue does what it is asked again', false);
    this.#said.clear();
  }

  /**
   * It did not, and is asked again. If it can't be reached, the engine has said so already. Returns the fault with which the
   * run must fail, if no other try would mend it.
   */
  met(error: unknown): DivvyError | undefined {
    const { name, message } = error as Error;
    if (error instanceof ProtocolError)
      return new DivvyError(`${message}; empty the queue, or use one release everywhere`, 74);
    if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
      return new DivvyError(`this is a bug in the engine, please report it: ${error.stack ?? message}`, 70);
    // Of a connection that breaks, the engine has said so.
    const isRefusal = name === 'ReplyError' || !/connection|socket/i.test(message);
    const [why = ''] = message.split(/ script: |, on @/);
    if (isRefusal && !this.#said.has(why)) this.#say(`the queue refuses what it is asked, tries again: ${why}`, true);
    if (isRefusal) this.#said.add(why);
    return undefined;
  }
}
