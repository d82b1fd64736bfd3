/** Groups the failed items of a run by error, with an example of each. Runs in commands that show a run. Internal. */

import type { FailedRecord } from '../journal/records.ts';
import { chainOf, detailsOf, sameFor } from '../text/failures.ts';
import { cutTo, printable } from '../text/words.ts';
import type { FailureGroup } from './data.ts';

/** How many different errors are told apart, and how many of them are shown. */
const GROUPS_MAX = 500;
const SHOWN_MAX = 50;
/** So many of the most frequent have details, of at most so many characters. */
const DETAILED_MAX = 20;
const DETAILS_MAX = 4096;
const FIRST_KEYS = 5;
const KEY_MAX = 80;
/** How many failed items are remembered, so that a retry can take them out of their group. */
const REMEMBERED_MAX = 200_000;

interface Group {
  readonly same: string;
  readonly example: string;
  readonly details: readonly string[];
  readonly first: string[];
  readonly firstMs: number;
  lastMs: number;
  count: number;
  left: number;
}

/** The failures of one run. */
export class FailureGroups {
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, Group>();
  #others = 0;

  /** An item has failed. `name` identifies the item. */
  add({ error, key }: FailedRecord, name: string, ms: number): void {
    const same = sameFor(error, key);
    let group = this.#groups.get(same);
    if (!group) {
      if (this.#groups.size >= GROUPS_MAX) {
        this.#others += 1;
        return;
      }
      const details = shortened(detailsOf(error, true));
      group = { same, example: chainOf(error), details, first: [], firstMs: ms, lastMs: ms, count: 0, left: 0 };
      this.#groups.set(same, group);
    }
    group.count += 1;
    group.left += 1;
    group.lastMs = ms;
    if (group.first.length < FIRST_KEYS) group.first.push(cutTo(printable(key), KEY_MAX));
    if (this.#groupOf.size < REMEMBERED_MAX) this.#groupOf.set(name, group);
  }

  /** A retry has replaced the failure of this item. */
  replaced(name: string): void {
    const group = this.#groupOf.get(name);
    if (group) group.left -= 1;
    this.#groupOf.delete(name);
  }

  data(): { failures: FailureGroup[]; otherFailures: number } {
    const all = [...this.#groups.values()].sort((one, other) => other.count - one.count);
    const failures = all.slice(0, SHOWN_MAX).map((group, at) => {
      const { same, example, count, left, first, firstMs, lastMs } = group;
      const details = at < DETAILED_MAX ? group.details : [];
      return { error: count > 1 ? same : example, count, left, first, firstMs, lastMs, details };
    });
    const rest = all.slice(SHOWN_MAX).reduce((sum, { count }) => sum + count, 0);
    return { failures, otherFailures: this.#others + rest };
  }
}

function shortened(lines: readonly string[]): string[] {
  let left = DETAILS_MAX;
  const kept: string[] = [];
  for (const line of lines) {
    if (left <= 0) break;
    kept.push(cutTo(line, left));
    left -= line.length;
  }
  return kept;
}
