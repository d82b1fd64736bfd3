import { setTimeout } from 'node:timers/promises';
import type { ItemContext, Parallelizable } from '#divvy';

/**
 * One unit of work. It is sent from the master to a worker, which is another process: it holds data, such as an id,
 * a path or a URL, and no functions, connections or open files.
 */
type Item = { readonly id: number };

export default class ExampleTask implements Parallelizable<Item> {
  /**
   * Runs in the master, once. Yields the items, and is asked for the next one only when a worker can take it: the list
   * may be long, or endless. To await what it reads: `async *dispatch(): AsyncGenerator<Item>`. The task's own arguments
   * are in `process.argv.slice(2)`. A resume lists them again and skips what is done; with a `cursor` it goes on in the
   * middle (divvy hook add cursor).
   */
  *dispatch(): Generator<Item> {
    for (let id = 1; id <= 12; id++) yield { id };
  }

  /**
   * Runs in a worker, once for each item, while other workers do the same with other items. What it throws fails this
   * item, and the run goes on; `RateLimited` holds the whole run back instead. Pass `context.signal` on to what waits:
   * it is aborted when the run is stopped by force. What it returns is kept with `--results FILE`.
   */
  async process(item: Item, context: ItemContext): Promise<void> {
    await setTimeout(200, undefined, { signal: context.signal }); // Stands for the real work.
    console.log(`item ${item.id} was processed by worker ${context.worker}, process ${process.pid}`);
  }
}
