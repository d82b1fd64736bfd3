import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { type Parallelizable, PermanentError, taskArguments } from '#divvy';

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

const args = taskArguments({
  files: { type: 'words', required: true, doc: 'CSV files with a header, such as people.csv' },
});

/**
 * Processes the rows of CSV files, and keeps what comes of each as a line of JSON:
 *
 *   node vendor/divvy/run.mjs tasks/example-task.ts --results people.ndjson people.csv more.csv
 *
 * Each row that is done has one line in that file, also after a crash and a --resume. Without --results nothing is kept.
 */
export default class ExampleTask implements Parallelizable<Row, Result> {
  /** Runs in the master, once. A file is read as its rows are asked for, so it may be larger than the memory. */
  async *dispatch(): AsyncGenerator<Row> {
    for (const file of args.files) yield* rowsOf(file);
  }

  /** Names a row across runs: by its place, so that you can correct its values. If rows have an id, put that here. */
  key({ file, number }: Row): string {
    return `${file}:${number}`;
  }

  /** Runs in a worker, for each row. To await what it does: `async process(row: Row): Promise<Result>`. */
  process(row: Row): Result {
    if (row.wrong !== undefined) throw new PermanentError(row.wrong);
    // Stands for the real work.
    return Object.fromEntries(Object.entries(row.values).map(([column, value]) => [column, value.trim()]));
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
