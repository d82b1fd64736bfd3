import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { type DispatchFrom, type Parallelizable, type Run, type RunResult, taskArguments } from '#divvy';

const args = taskArguments({
  url: { type: 'string', required: true, secret: true, env: 'DATABASE_URL', doc: 'postgres://user:password@host/name' },
  database: {
    type: 'string',
    required: true,
    doc: 'host/name of that url, so that a run never goes on in another one',
  },
  batch: { type: 'integer', default: 1000, min: 1, tuning: true, doc: 'rows in an item' },
  lag: { type: 'number', default: 5, min: 0, tuning: true, doc: 'seconds that a replica may lag behind' },
  dry: { type: 'boolean', doc: 'count the rows to change, and change none' },
});

/** The rows with an id above `after`, up to `to`. An id is text: not every bigint fits into a number. */
type Item = { readonly after: string; readonly to: string };

/** Your own table, rows and change. A batch may be done twice: let the change leave out what it has changed already. */
const TABLE = 'users';
const ROWS = 'email_lower is distinct from lower(email)';
const CHANGE = 'email_lower = lower(email)';

/** Below the first id. */
const LOWEST = '-9223372036854775808';
/** How long a statement may take, and how long it may wait for a row that somebody else has locked, in milliseconds. */
const STATEMENT_MS = 60_000;
const LOCK_MS = 10_000;
/** How long to wait for a database that restarts, in seconds. */
const RESTART_S = 60;

/**
 * Changes the rows of a table, in batches, in the order of their ids:
 *
 *   DATABASE_URL=postgres://… node vendor/divvy/run.mjs tasks/example-task.ts --retries 3 database=localhost/shop
 *
 * `dry=true` only counts. --resume goes on behind the last id up to which everything is done. --retries tries a batch
 * again if its connection broke, or if it waited too long for a lock.
 */
export default class ExampleTask implements Parallelizable<Item, number> {
  /** One connection for each worker, and one for the master. If it breaks, the next statement opens another. */
  readonly #pool = new pg.Pool({
    connectionString: args.url,
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'example-task',
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
  }).on('error', () => {
    // It broke while nothing was using it.
  });
  #rows = 0;

  /** Runs in the master, first: does the url lead where it should? */
  beforeRun(): void {
    const found = databaseOf(args.url);
    if (found !== args.database) throw new Error(`the url leads to ${found}, and database says ${args.database}`);
  }

  /** Runs in the master. Finds one batch after the other, with a short query each: no transaction stays open. */
  async *dispatch({ after = LOWEST }: DispatchFrom): AsyncGenerator<Item> {
    const page = `select id from ${TABLE} where id > $1 order by id limit $2`;
    for (let last = String(after); ; ) {
      const [row] = await this.#read<{ to: string | null }>(`select max(id)::text as to from (${page}) as page`, [
        last,
        args.batch,
      ]);
      if (!row?.to) return;
      yield { after: last, to: row.to };
      last = row.to;
    }
  }

  /** Where the batch is in the order of dispatch. */
  cursor({ to }: Item): string {
    return to;
  }

  /** Runs in the master, at most once a second: holds back while a replica lags. To see that, the user needs pg_monitor. */
  async throttle(): Promise<number> {
    const lag = 'select max(extract(epoch from replay_lag))::float8 as seconds from pg_stat_replication';
    const [row] = await this.#read<{ seconds: number | null }>(lag);
    return (row?.seconds ?? 0) > args.lag ? 1000 : 0;
  }

  /** Runs in a worker, before its first batch. */
  async afterFork(): Promise<void> {
    await this.#query('select 1');
  }

  /** Runs in a worker, for each batch. Returns how many rows it changed, or would change. */
  async process({ after, to }: Item): Promise<number> {
    const rows = `id > $1 and id <= $2 and ${ROWS}`;
    if (args.dry) {
      const [row] = await this.#read<{ count: number }>(`select count(*)::int from ${TABLE} where ${rows}`, [
        after,
        to,
      ]);
      return row?.count ?? 0;
    }
    const { rowCount } = await this.#query(`update ${TABLE} set ${CHANGE} where ${rows}`, [after, to]);
    return rowCount ?? 0;
  }

  /** Runs in the master, for each batch that is done. */
  afterProcess(_batch: Item, rows: number): void {
    this.#rows += rows;
  }

  /** Runs in a worker, before it exits. */
  async beforeExit(): Promise<void> {
    await this.#pool.end();
  }

  /** Runs in the master, last. What an earlier run changed is not counted. */
  async afterRun(_run: Run, { counts }: RunResult): Promise<void> {
    if (counts.done > 0) console.log(`${this.#rows} rows ${args.dry ? 'would be' : 'were'} changed`);
    await this.#pool.end();
  }

  /** Reads rows. If the connection breaks meanwhile, it reads again. */
  async #read<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    for (let left = 3; ; left--) {
      try {
        return (await this.#query<Row>(text, values)).rows;
      } catch (error) {
        if (left === 1 || !isAway(error)) throw error;
      }
    }
  }

  async #query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult<Row>> {
    const client = await this.#connection();
    try {
      const result = await client.query<Row>(text, [...values]);
      client.release();
      return result;
    } catch (error) {
      client.release(isAway(error));
      // With --retries the batch is tried again after a second.
      throw isAway(error) ? Object.assign(error, { retryAfterMs: 1000 }) : error;
    }
  }

  /** Waits for a database that restarts, or has no connection left. */
  async #connection(): Promise<pg.PoolClient> {
    for (let left = RESTART_S; ; left--) {
      try {
        return await this.#pool.connect();
      } catch (error) {
        if (left === 0 || !isAway(error)) throw error;
        if (left === RESTART_S)
          console.error(`Waiting up to ${RESTART_S} s for the database: ${error.message || error.code}`);
        await setTimeout(1000);
      }
    }
  }
}

/** Returns where a url leads: `localhost/shop`, `db.example.org:5433/shop`. */
export function databaseOf(url: string): string {
  const { host, port, database } = new pg.Client(url);
  return `${host}${port === 5432 ? '' : `:${port}`}/${database}`;
}

/** Whether the connection has broken, or none can be made for now. */
function isAway(error: unknown): error is Error & { code?: string } {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return /^(57P0|08|53300|ECONN|EPIPE|ETIMEDOUT)/.test(code) || /^Connection terminated/.test(message);
}
