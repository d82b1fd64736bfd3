/**
 * The time of a run, divided into columns. How long the run is comes out only while its journal is read: when the
 * columns are used up, each two become one. Runs in commands that show a run. Internal.
 */

const COLUMNS_MAX = 240;
/** The columns begin as fine as the ticks of a journal. */
export const FINEST_MS = 100;

/** Where something may have gone on, and how often at once. */
interface Room {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly most: number;
}

/** The columns of one report, and all rows of numbers that are counted in them. */
export class Axis {
  widthMs: number = FINEST_MS;
  lengthMs: number = 0;
  readonly #rows = new Set<Float64Array>();

  /** Returns a new row of zeros. */
  row(): Float64Array {
    const row = new Float64Array(COLUMNS_MAX);
    this.#rows.add(row);
    return row;
  }

  /** How many columns there are by now. */
  get columns(): number {
    return Math.min(COLUMNS_MAX, Math.floor(this.lengthMs / this.widthMs) + 1);
  }

  /** The axis goes on to here. */
  reach(ms: number): void {
    this.lengthMs = Math.max(this.lengthMs, ms);
    while (this.lengthMs >= this.widthMs * COLUMNS_MAX) {
      this.widthMs *= 2;
      for (const row of this.#rows) halve(row);
    }
  }

  /** Returns the column of a moment. */
  columnOf(ms: number): number {
    return Math.min(COLUMNS_MAX - 1, Math.max(0, Math.floor(ms / this.widthMs)));
  }

  /** Adds to the column of a moment. */
  add(row: Float64Array, ms: number, amount: number): void {
    const column = this.columnOf(ms);
    row[column] = (row[column] ?? 0) + amount;
  }

  /** Adds `weight` times the milliseconds that each column has of a span of time. */
  spread(row: Float64Array, fromMs: number, toMs: number, weight = 1): void {
    const { widthMs } = this;
    const last = this.columnOf(toMs);
    for (let column = this.columnOf(fromMs); column <= last; column++) {
      const within = Math.min(toMs, (column + 1) * widthMs) - Math.max(fromMs, column * widthMs);
      if (within > 0) row[column] = (row[column] ?? 0) + within * weight;
    }
  }

  /**
   * Adds the milliseconds for which something went on that has ended by `toMs`, each to its column, as `spread` does. No
   * column gets more than `most` for each of its milliseconds: what is too much went on in the columns beside it. What
   * finds no room between `sinceMs` and `untilMs` was measured inexactly, and is left out.
   */
  fill(row: Float64Array, tookMs: number, toMs: number, { sinceMs, untilMs, most }: Room): void {
    const fromMs = Math.max(sinceMs, toMs - tookMs);
    if (most === Infinity) {
      this.spread(row, fromMs, toMs);
      return;
    }
    const { widthMs } = this;
    const [first, last] = [this.columnOf(fromMs), this.columnOf(toMs)];
    let left = tookMs;
    const put = (column: number, upTo: number): void => {
      const before = row[column] ?? 0;
      const part = Math.max(0, Math.min(left, upTo, widthMs * most - before));
      row[column] = before + part;
      left -= part;
    };
    for (let column = first; column <= last; column++)
      put(column, Math.min(toMs, (column + 1) * widthMs) - Math.max(fromMs, column * widthMs));
    for (let column = last; left > 0 && column <= this.columnOf(untilMs); column++) put(column, left);
    for (let column = first; left > 0 && column >= this.columnOf(sinceMs); column--) put(column, left);
  }

  /** Adds the second row to the first one; the second is not counted in any more. */
  merge(into: Float64Array, gone: Float64Array): void {
    for (const [column, amount] of gone.entries()) into[column] = (into[column] ?? 0) + amount;
    this.#rows.delete(gone);
  }

  /** Returns the numbers of a row, so far, each as `shape` makes it. */
  numbers(row: Float64Array, shape: (amount: number) => number = Math.round): number[] {
    return Array.from(row.subarray(0, this.columns), shape);
  }
}

function halve(row: Float64Array): void {
  for (let column = 0; column < row.length; column++) {
    const isLeft = column < row.length / 2;
    row[column] = isLeft ? (row[2 * column] ?? 0) + (row[2 * column + 1] ?? 0) : 0;
  }
}
