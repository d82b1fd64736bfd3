import net from 'node:net';
import type { ItemContext, Parallelizable } from '#divvy';

/** On the first attempt at item 2 the task writes what its first argument says (in hex) to its worker's own socket. */
export default class BreaksProtocol implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= 4; item++) yield item;
  }

  async process(item: number, { attempt }: ItemContext): Promise<void> {
    if (item === 2 && attempt === 1) {
      const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
      for (const handle of handles) {
        const own = handle === process.stdout || handle === process.stderr;
        if (handle instanceof net.Socket && !own) handle.write(Buffer.from(process.argv[2] ?? '', 'hex'));
      }
      await new Promise(() => {}); // the master ends this process
    }
    console.log(`processed ${item}`);
  }
}
