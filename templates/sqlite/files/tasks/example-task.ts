import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { type DispatchFrom, type Parallelizable, type Run, type RunResult, taskArguments } from '#divvy';

const args = taskArguments({
  file: { type: 'string', required: true, doc: 'the database, such as shop.db' },
  batch: { type: 'integer', default: 1000, min: 1, tuning: true, doc: 'rows in an item' },
  dry: { type: 'boolean', doc: 'count the rows to change, and change none' },
});

/** The rows with an id above `after`, up to `to`. An id is text: not every integer of SQLite fits into a number. */
type Item = { readonly after: string; readonly to: string };

/** Your own table, rows and change. A batch may be done twice: let the change leave out what it has changed already. */
const TABLE = 'users';
const ROWS = 'email_lower is not lower(email)';
const CHANGE = 'email_lower = lower(email)';

/** Below the first id. */
const LOWEST = '-9223372036854775808';
/** How long to wait while somebody else writes, in milliseconds. */
const BUSY_MS = 10_000;

/**
 * Changes the rows of a table, in batches, in the order of their ids:
 *
 *   node vendor/divvy/run.mjs tasks/example-task.ts --retries 3 file=shop.db
 *
 * `dry=true` only counts. --resume goes on behind the last id up to which everything is done. SQLite lets one process write at a
 * time: more workers are faster only if a batch does more than write.
 */
export default class ExampleTask implements Parallelizable<Item, number> {
  /** Of the master; each worker has another. */
  #database: DatabaseSync | undefined;
  #rows = 0;

  /** Runs in the master. Finds one batch after the other, with a short query each: it holds no lock in between. */
  *dispatch({ after = LOWEST }: DispatchFrom): Generator<Item> {
    const page = `select id from ${TABLE} where id > cast(? as integer) order by id limit ?`;
    const next = this.#open().prepare(`select cast(max(id) as text) as "to" from (${page})`);
    for (let last = String(after); ; ) {
      const to = next.get(last, args.batch)?.['to'];
      if (typeof to !== 'string') return;
      yield { after: last, to };
      last = to;
    }
  }

  /** Where the batch is in the order of dispatch. */
  cursor({ to }: Item): string {
    return to;
  }

  /** Runs in a worker, before its first batch. */
  afterFork(): void {
    this.#open();
  }

  /** Runs in a worker, for each batch, in a transaction of its own. Returns how many rows it changed, or would change. */
  process({ after, to }: Item): number {
    const rows = `id > cast(? as integer) and id <= cast(? as integer) and ${ROWS}`;
    if (args.dry) {
      const found = this.#open().prepare(`select count(*) as count from ${TABLE} where ${rows}`).get(after, to);
      return Number(found?.['count']);
    }
    return Number(this.#open().prepare(`update ${TABLE} set ${CHANGE} where ${rows}`).run(after, to).changes);
  }

  /** Runs in the master, for each batch that is done. */
  afterProcess(_batch: Item, rows: number): void {
    this.#rows += rows;
  }

  /** Runs in a worker, before it exits. */
  beforeExit(): void {
    this.#database?.close();
  }

  /** Runs in the master, last. What an earlier run changed is not counted. */
  afterRun(_run: Run, { counts }: RunResult): void {
    if (counts.done > 0) console.log(`${this.#rows} rows ${args.dry ? 'would be' : 'were'} changed`);
    this.#database?.close();
  }

  #open(): DatabaseSync {
    if (this.#database) return this.#database;
    const url = pathToFileURL(args.file);
    url.searchParams.set('mode', 'rw'); // if there is no such file, SQLite would make an empty one
    try {
      this.#database = new DatabaseSync(url, { timeout: BUSY_MS });
    } catch (error) {
      throw new Error(`${args.file}: ${(error as Error).message}`, { cause: error });
    }
    return this.#database;
  }
}
