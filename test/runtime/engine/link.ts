// The way to a server, which a test can cut without a word, and on which it can change what the server says.
import { once } from 'node:events';
import net from 'node:net';

export class Link implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #isSilent = false;
  #to: number;

  private constructor(to: number, changed: (answer: string) => string) {
    this.#to = to;
    this.#server = net.createServer((near) => {
      const far = net.connect(this.#to, '127.0.0.1');
      let isDead = this.#isSilent;
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          // What breaks on a silent link, nobody gets to know.
          if (!this.#isSilent && !isDead) for (const each of [near, far]) each.destroy();
        });
      }
      const passes = (): boolean => {
        isDead ||= this.#isSilent;
        return !isDead;
      };
      near.on('data', (bytes) => passes() && far.write(bytes));
      far.on('data', (bytes) => passes() && near.write(Buffer.from(changed(bytes.toString('latin1')), 'latin1')));
    });
  }

  /**
   * to - the port of the server.
   * changed - what arrives of what the server says, byte for byte as latin1.
   */
  static async to(to: number, changed: (answer: string) => string = (answer) => answer): Promise<Link> {
    const link = new Link(to, changed);
    await once(link.#server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  /** From now on nothing gets through, and no connection breaks. Those that there are never work again. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections work. */
  heal(): void {
    this.#isSilent = false;
  }

  /** From now on this is the way to another server. Connections that there are break. */
  turnTo(port: number): void {
    this.#to = port;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
