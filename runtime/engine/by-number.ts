/** Finds where items are by their numbers, of which consecutive ones are mostly together. Runs in the dispatcher and in a host. */

/** Items with consecutive numbers, from `first`. */
interface Row<Value> {
  first: number;
  count: number;
  readonly value: Value;
  /** The position of the first item in the value's own list. */
  at: number;
}

/** What is known of items, in rows of consecutive numbers. A number is in it at most once. */
export class ByNumber<Value> {
  /** By their first numbers. */
  readonly #rows: Row<Value>[] = [];
  /** How many items there are. */
  size = 0;

  add(row: Readonly<Row<Value>>): void {
    const last = this.#rows.at(-1);
    if (!last || last.first < row.first) this.#rows.push({ ...row });
    else this.#rows.splice(this.#indexOf(row.first) + 1, 0, { ...row });
    this.size += row.count;
  }

  find(number: number): { readonly value: Value; readonly at: number } | undefined {
    const row = this.#rows[this.#indexOf(number)];
    if (!row || number >= row.first + row.count) return undefined;
    return { value: row.value, at: row.at + number - row.first };
  }

  /** Takes out the items `first` and up, as far as they are there. */
  delete(first: number, count: number): void {
    for (let number = first; number < first + count; ) {
      const index = this.#indexOf(number);
      const row = this.#rows[index];
      if (!row || number >= row.first + row.count) {
        number += 1;
        continue;
      }
      const before = number - row.first;
      const those = Math.min(row.count - before, first + count - number);
      const after = row.count - before - those;
      const rest = { ...row, first: number + those, count: after, at: row.at + before + those };
      row.count = before;
      this.#rows.splice(before > 0 ? index + 1 : index, before > 0 ? 0 : 1, ...(after > 0 ? [rest] : []));
      this.size -= those;
      number += those;
    }
  }

  /** The index of the last row that begins at this number or before; -1 if there is none. */
  #indexOf(number: number): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle]?.first ?? Infinity) <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
