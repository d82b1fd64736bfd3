import { setTimeout } from 'node:timers/promises';
import type { ItemContext, Parallelizable } from '#divvy';

// The answer to `label`: a text, so it stands in a string literal. Without `: string` its type would be that one text.
const label: string = 'example-label';

/** One row of the table, by its id: what a worker is given. */
type ExampleTable = { readonly id: number };

export default class ExampleTask implements Parallelizable<ExampleTable> {
  /** Runs in the master, once. To await what it reads: `async *dispatch(): AsyncGenerator<ExampleTable>`. */
  *dispatch(): Generator<ExampleTable> {
    for (let id = 1; id <= 12; id++) yield { id };
  }

  /** Runs in a worker, once for each row, while other workers do the same with other rows. */
  async process(row: ExampleTable, context: ItemContext): Promise<void> {
    await setTimeout(10, undefined, { signal: context.signal }); // Stands for the real work.
    console.log(`${label} ${row.id} of example-table, by worker ${context.worker}`);
  }
}
