import net from 'node:net';
import type { Parallelizable } from '#divvy';

/** A dispatch that leaves a timer and a server open, as a pool of connections would be. */
export default class OpenHandles implements Parallelizable<number> {
  async *dispatch(): AsyncGenerator<number> {
    setInterval(() => {}, 1000);
    const server = net.createServer().listen(0);
    await new Promise((resolve) => server.on('listening', resolve));
    yield 1;
    yield 2;
  }

  async process(item: number): Promise<void> {
    setInterval(() => {}, 1000);
    await new Promise((resolve) => setTimeout(resolve, item));
    console.log(`processed ${item}`);
  }
}
