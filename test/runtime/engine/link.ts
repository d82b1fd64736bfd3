// The way to a server, which a test can cut without a word, and on which it can change what the server says.
import { once } from 'node:events';
import net from 'node:net';

/** What is done to what goes over a link, byte for byte as latin1. */
interface Meddling {
  /** Before the server gets it. False: it does not, and the connection breaks. */
  readonly asked?: (text: string) => boolean | Promise<boolean>;
  /** Returns what arrives of the server's answer. Undefined: nothing, and the connection breaks. */
  readonly answered?: (text: string) => string | undefined;
}

export class Link implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #isSilent = false;
  #to: number;

  private constructor(to: number, { asked = () => true, answered = (text) => text }: Meddling) {
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
      const broken = (): void => {
        for (const each of [near, far]) each.destroy();
      };
      let asking = Promise.resolve();
      near.on('data', (bytes) => {
        asking = asking.then(async () => {
          if (!(await asked(bytes.toString('latin1')))) broken();
          else if (passes()) far.write(bytes);
        });
      });
      far.on('data', (bytes) => {
        const answer = answered(bytes.toString('latin1'));
        if (answer === undefined) broken();
        else if (passes()) near.write(Buffer.from(answer, 'latin1'));
      });
    });
  }

  /** to - the port of the server. */
  static async to(to: number, meddling: Meddling = {}): Promise<Link> {
    const link = new Link(to, meddling);
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

  /** From now on this is the way to another server, for new connections. */
  turnNewTo(port: number): void {
    this.#to = port;
  }

  /** From now on this is the way to another server. Connections that there are break. */
  turnTo(port: number): void {
    this.turnNewTo(port);
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
