/** Where items tell a case that they have begun, and wait until it lets them go on. */

import { createServer, type Server, type Socket } from 'node:net';

export class Gate {
  readonly #server: Server;
  readonly #waiting = new Map<Socket, string>();
  readonly #arrived = new Set<string>();
  #isOpen = false;
  #heard: (() => void)[] = [];

  /** Resolves with a gate at this path. */
  static async at(path: string): Promise<Gate> {
    const gate = new Gate();
    await new Promise<void>((resolve, reject) => {
      gate.#server.on('error', reject);
      gate.#server.listen(path, resolve);
    });
    return gate;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#waiting.set(socket, '');
      socket.on('error', () => {});
      socket.on('close', () => this.#waiting.delete(socket));
      socket.once('data', (line) => this.#arrives(socket, String(line).trim()));
    });
  }

  #arrives(socket: Socket, item: string): void {
    this.#waiting.set(socket, item);
    this.#arrived.add(item);
    if (this.#isOpen) socket.end('on\n');
    else socket.write('heard\n');
    for (const tell of this.#heard.splice(0)) tell();
  }

  /** Which of these items have not arrived yet. */
  missing(items: readonly string[]): string[] {
    return items.filter((item) => !this.#arrived.has(item));
  }

  /** Resolves when one more item has arrived. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#heard.push(resolve));
  }

  /** Lets the item go on, and forgets that it has arrived. */
  release(item: string): void {
    this.#arrived.delete(item);
    for (const [socket, name] of this.#waiting) if (name === item) socket.end();
  }

  /** Lets every item go on, from now on. */
  open(): void {
    this.#isOpen = true;
    for (const socket of this.#waiting.keys()) socket.end();
  }

  close(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
    this.#server.close();
  }
}
