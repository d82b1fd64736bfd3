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
  /** By item: the groups of its failures that count. Items of equal content have one name. */
  readonly #failed = new Map<string, Group[]>();
  /** The same for those that a retry has done since. */
  readonly #doneSince = new Map<string, Group[]>();
  #remembered = 0;
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
    const shown = cutTo(printable(key), KEY_MAX);
    if (group.first.length < FIRST_KEYS && !group.first.includes(shown)) group.first.push(shown);
    if (this.#remembered >= REMEMBERED_MAX) return;
    this.#remembered += 1;
    push(this.#failed, name, group);
  }

  /** A retry of this item has failed, too: that failure takes the place of the one before. */
  failedAgain(name: string): void {
    const group = take(this.#failed, name);
    if (!group) return;
    group.count -= 1;
    group.left -= 1;
    this.#remembered -= 1;
  }

  /** A retry has done this item. */
  done(name: string): void {
    const group = take(this.#failed, name);
    if (!group) return;
    group.left -= 1;
    push(this.#doneSince, name, group);
  }

  /** What a retry had done of this item is lost. */
  undone(name: string): void {
    const group = take(this.#doneSince, name);
    if (!group) return;
    group.left += 1;
    push(this.#failed, name, group);
  }

  data(): { failures: FailureGroup[]; otherFailures: number } {
    const all = [...this.#groups.values()]
      .filter(({ count }) => count > 0)
      .sort((one, other) => other.count - one.count);
    const failures = all.slice(0, SHOWN_MAX).map((group, at) => {
      const { same, example, count, left, first, firstMs, lastMs } = group;
      const details = at < DETAILED_MAX ? group.details : [];
      return { error: count > 1 ? same : example, count, left, first, firstMs, lastMs, details };
    });
    const rest = all.slice(SHOWN_MAX).reduce((sum, { count }) => sum + count, 0);
    return { failures, otherFailures: this.#others + rest };
  }
}

function push(groups: Map<string, Group[]>, name: string, group: Group): void {
  const before = groups.get(name);
  if (before) before.push(group);
  else groups.set(name, [group]);
}

function take(groups: Map<string, Group[]>, name: string): Group | undefined {
  const before = groups.get(name);
  const group = before?.shift();
  if (before?.length === 0) groups.delete(name);
  return group;
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
