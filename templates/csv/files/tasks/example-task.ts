import { appendFileSync, closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { parseArgs } from 'node:util';
import { parse } from 'csv-parse';
import { type Outcome, type Parallelizable, PermanentError } from '#divvy';

/** A row of a file. Its number is 1 below the header; its values go by the names in the header. */
type Row = {
  readonly file: string;
  readonly number: number;
  readonly values: Readonly<Record<string, string>>;
  /** Why it cannot be processed; it has no values then. */
  readonly wrong?: string;
};

/** What comes of a row: anything that JSON can hold. */
type Result = Readonly<Record<string, string>>;

/** A longer row, in bytes, is taken for a quote that was never closed. */
const LONGEST_ROW = 1024 * 1024;
/** What is read as the sign for what it is not has lost what it was. */
const NOT_TEXT = 'it is not UTF-8; convert the file, or give parse() its encoding';

/**
 * Processes the rows of CSV files:
 *
 *   node vendor/divvy/run.mjs tasks/example-task.ts people.csv more.csv -- --results people.ndjson
 *
 * For each row that was processed the results file (results.ndjson, if none is named) gets a line with the row's key.
 * Lines are only ever added: after a crash a row may have two of them, and after a second run it has. The last one holds.
 */
export default class ExampleTask implements Parallelizable<Row, Result> {
  /** The results file, open while the run goes on. */
  #results = -1;

  /** Runs in the master, once. A file is read as its rows are asked for, so it may be larger than the memory. */
  async *dispatch(): AsyncGenerator<Row> {
    const { files } = settings();
    if (files.length === 0) throw new Error('Give CSV files as arguments, such as people.csv');
    for (const file of files) yield* rowsOf(file);
  }

  /** Names a row across runs: by its place, so that what is in it may be mended. If rows have an id, put that here. */
  key({ file, number }: Row): string {
    return `${file}:${number}`;
  }

  /** Runs in a worker, for each row. To await what it does: `async process(row: Row): Promise<Result>`. */
  process(row: Row): Result {
    if (row.wrong !== undefined) throw new PermanentError(row.wrong);
    // Stands for the real work.
    return Object.fromEntries(Object.entries(row.values).map(([column, value]) => [column, value.trim()]));
  }

  /** Runs in the master, before everything else. */
  beforeRun(): void {
    this.#results = openSync(settings().results, 'a+');
    // On a full disk, or in a power cut, the last line may have been cut short. The next one does not go on in it.
    const { size } = fstatSync(this.#results);
    const last = Buffer.from('\n');
    if (size > 0) readSync(this.#results, last, 0, 1, size - 1);
    if (last.toString() !== '\n') appendFileSync(this.#results, '\n');
  }

  /**
   * Runs in the master, and only then is the row recorded as done: what a resume skips has its line. The system has the
   * line when this returns, so that it outlives even a `kill -9`.
   */
  afterProcess(_row: Row, result: Result, { key }: Outcome): void {
    appendFileSync(this.#results, `${JSON.stringify({ key, result })}\n`);
  }

  /** Runs in the master, after everything else. */
  afterRun(): void {
    if (this.#results >= 0) closeSync(this.#results);
  }
}

/**
 * Yields the rows of a file, which may have a byte order mark, and any line ends. Empty lines are no rows. A row that has
 * more or fewer values than the header, or is no UTF-8, is yielded as wrong, and so becomes a failed item. But where a
 * quote is out of place nobody can tell where the next row begins: that throws, which ends the run. Mend it, and go on
 * with --resume.
 */
export async function* rowsOf(file: string): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    delimiter: ',',
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
  });
  pipeline(createReadStream(file), parser, () => {
    // What goes wrong in it is thrown by the loop below.
  });
  let columns: readonly string[] | undefined;
  let number = 0;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      const isText = !record.some((value) => value.includes('\uFFFD'));
      if (columns === undefined) {
        columns = record;
        if (!isText) throw new Error(NOT_TEXT);
        if (new Set(columns).size < columns.length) throw new Error('two columns have the same name');
        continue;
      }
      number += 1;
      if (isText && record.length === columns.length) {
        yield { file, number, values: Object.fromEntries(columns.map((column, at) => [column, record[at] ?? ''])) };
      } else {
        const why = isText ? `${record.length} values under a header of ${columns.length}` : NOT_TEXT;
        yield { file, number, values: {}, wrong: `${file}, row ${number}: ${why}` };
      }
    }
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** The task's own arguments: files, and options behind `--`. A resume with other ones is refused. */
function settings(): { files: string[]; results: string } {
  const { positionals, values } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { results: { type: 'string', default: 'results.ndjson' } },
  });
  return { files: positionals, results: values.results };
}
