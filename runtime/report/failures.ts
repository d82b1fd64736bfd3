/** Groups the failed items of a run by error, with an example of each. Runs in commands that show a run. Internal. */

import type { FailedRecord } from '../journal/records.ts';
import { sha256 } from '../key.ts';
import { chainOf, detailsOf, sameFor } from '../text/failures.ts';
import { cutTo, printable } from '../text/words.ts';
import type { FailureGroup, SlowItem } from './data.ts';

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

/** Of so many items a group knows where they failed, and so many different places. */
const PLACED_MAX = 100;
const PLACES_MAX = 5;

/** Where an error came from: most items of a group have one in common. */
interface Place {
  readonly text: string;
  items: number;
}

/** An item that has failed, with what is named of it. */
interface Failure {
  /** Undefined if there were too many different errors. */
  readonly group: Group | undefined;
  readonly item: SlowItem;
  readonly example: string | undefined;
  readonly place: Place | undefined;
}

interface Group {
  readonly same: string;
  readonly places: Map<string, Place>;
  placed: number;
  /** Items that have this error still, and how many that had it a retry has done since. */
  left: number;
  doneSince: number;
  /** Items that are not remembered, and when they failed. */
  more: number;
  moreFromMs: number;
  moreToMs: number;
}

/** What a group names: only of items that have its error still. */
interface Named {
  readonly first: Failure[];
  firstMs: number;
  lastMs: number;
  place: Place | undefined;
}

/** The failures of one run. */
export class FailureGroups {
  readonly #groups = new Map<string, Group>();
  /** By item: its failures that count. Items of equal content have one name. */
  readonly #failed = new Map<string, Failure[]>();
  /** The same for those that a retry has done since, if that can be lost. */
  readonly #doneSince = new Map<string, Failure[]>();
  #remembered = 0;
  #leftOut = 0;
  /** Outcomes of retries whose failure before is not remembered. */
  #unmatched = 0;

  /** An item has failed. `name` identifies the item; `item` has its key as it is shown. */
  add({ error, key }: FailedRecord, name: string, item: SlowItem): void {
    const { atMs } = item;
    const group = this.#groupOf(sameFor(error, key));
    const isNamed = group !== undefined && group.left < FIRST_KEYS;
    if (this.#remembered >= REMEMBERED_MAX && !isNamed) {
      this.#leftOut += 1;
      if (!group) return;
      group.more += 1;
      group.moreFromMs = Math.min(group.moreFromMs, atMs);
      group.moreToMs = atMs;
      return;
    }
    const example = isNamed ? ownMemory(chainOf(error)) : undefined;
    const place = group && group.placed < PLACED_MAX ? placeIn(group, detailsOf(error, true)) : undefined;
    push(this.#failed, name, { group, item, example, place });
    if (group) group.left += 1;
    this.#remembered += 1;
  }

  /**
   * A retry of this item has failed, too: that failure takes the place of the one before, which is returned; undefined if
   * it is not remembered.
   */
  failedAgain(name: string): SlowItem | undefined {
    const failure = this.#taken(name);
    if (!failure) return undefined;
    if (failure.group) failure.group.left -= 1;
    this.#forget(failure);
    return failure.item;
  }

  /** A retry has done this item. Returns its failure as `failedAgain` does. `canBeLost`: `undone` may be called for it. */
  done(name: string, canBeLost: boolean): SlowItem | undefined {
    const failure = this.#taken(name);
    if (!failure) return undefined;
    if (failure.group) {
      failure.group.left -= 1;
      failure.group.doneSince += 1;
    }
    if (canBeLost) push(this.#doneSince, name, failure);
    else this.#forget(failure);
    return failure.item;
  }

  /** What a retry had done of this item is lost. Returns its failure, which counts again. */
  undone(name: string): SlowItem | undefined {
    const failure = take(this.#doneSince, name);
    if (!failure) {
      this.#unmatched = Math.max(0, this.#unmatched - 1);
      return undefined;
    }
    if (failure.group) {
      failure.group.left += 1;
      failure.group.doneSince -= 1;
    }
    push(this.#failed, name, failure);
    return failure.item;
  }

  /** `failed`: how many items have failed, and were not done since. */
  data(failed: number): { failures: FailureGroup[]; otherFailures: number; unmatched?: number } {
    // Once retries came to items that are not remembered, nobody knows how many of these each group has still.
    const isSure = this.#unmatched === 0;
    const all = [...this.#groups.values()].flatMap((group) => {
      const left = group.left + (isSure ? group.more : 0);
      return left > 0 || group.more === 0 ? [{ ...group, group, left }] : [];
    });
    all.sort((one, other) => other.left - one.left || other.doneSince - one.doneSince);
    const named = this.#named(isSure);
    const failures = all.slice(0, SHOWN_MAX).map(({ group, same, left, doneSince }, at) => {
      const { first = [], firstMs = 0, lastMs = 0, place } = named.get(group) ?? {};
      return {
        error: left === 1 ? (first[0]?.example ?? same) : same,
        count: left + doneSince,
        left,
        first: [...new Set(first.map(({ item }) => item.key ?? item.number))],
        firstMs,
        lastMs,
        details: at < DETAILED_MAX && place?.text ? place.text.split('\n') : [],
      };
    });
    const shown = failures.reduce((sum, { left }) => sum + left, 0);
    return {
      failures,
      otherFailures: Math.max(0, failed - shown),
      ...(this.#unmatched > 0 && { unmatched: this.#unmatched }),
    };
  }

  /** Takes an item that a retry has ended out of those that have failed. */
  #taken(name: string): Failure | undefined {
    const failure = take(this.#failed, name);
    if (!failure && this.#leftOut > 0) this.#unmatched += 1;
    return failure;
  }

  /** Undefined if there are too many different errors. */
  #groupOf(same: string): Group | undefined {
    const before = this.#groups.get(same);
    if (before || this.#groups.size >= GROUPS_MAX) return before;
    const times = { moreFromMs: Infinity, moreToMs: 0 };
    const group = { same, places: new Map(), placed: 0, left: 0, doneSince: 0, more: 0, ...times };
    this.#groups.set(same, group);
    return group;
  }

  #forget({ group, place }: Failure): void {
    this.#remembered -= 1;
    if (!group) return;
    if (place) leavePlace(group, place);
    if (group.left + group.doneSince + group.more === 0) this.#groups.delete(group.same);
  }

  /** What each group with an item that still has its error names. */
  #named(isSure: boolean): Map<Group, Named> {
    const named = new Map<Group, Named>();
    for (const failures of this.#failed.values())
      for (const failure of failures) {
        const { group, place } = failure;
        const { key, number, atMs } = failure.item;
        if (!group) continue;
        const begin = { first: [], firstMs: atMs, lastMs: atMs, place };
        const names: Named = named.get(group) ?? begin;
        named.set(group, names);
        names.firstMs = Math.min(names.firstMs, atMs, isSure ? group.moreFromMs : Infinity);
        names.lastMs = Math.max(names.lastMs, atMs, isSure ? group.moreToMs : 0);
        if (!names.place?.text) names.place = place;
        // One that was done, and is not any more, stands behind those that failed after it.
        const { first } = names;
        if (first.length === FIRST_KEYS && (first.at(-1)?.item.atMs ?? 0) <= atMs) continue;
        if (first.some(({ item }) => (key === undefined ? item.number === number : item.key === key))) continue;
        const behind = first.findIndex((each) => each.item.atMs > atMs);
        first.splice(behind < 0 ? first.length : behind, 0, failure);
        first.length = Math.min(first.length, FIRST_KEYS);
      }
    return named;
  }
}

/** A part of a text keeps the whole of it in memory, however long that is. */
const ownMemory = (text: string): string => (text.length < KEY_MAX ? text : Buffer.from(text).toString());

/** A key as it is shown. */
export const keyShown = (key: string): string => ownMemory(cutTo(printable(key), KEY_MAX));

/** A name has the item's key, which may be long. */
export const shortName = (name: string): string => (name.length <= KEY_MAX ? name : sha256(name));

/** One without a text stands for all others, if the group has too many different ones. */
function placeIn(group: Group, details: readonly string[]): Place {
  const { places } = group;
  // Joined first: a line by itself keeps the whole stack that it is from in memory.
  const own = shortened(details).join('\n');
  const text = places.has(own) || places.size < PLACES_MAX ? own : '';
  const place = places.get(text) ?? { text, items: 0 };
  group.placed += 1;
  place.items += 1;
  places.set(text, place);
  return place;
}

function leavePlace(group: Group, place: Place): void {
  group.placed -= 1;
  place.items -= 1;
  if (place.items === 0) group.places.delete(place.text);
}

function push(failures: Map<string, Failure[]>, name: string, failure: Failure): void {
  const before = failures.get(shortName(name));
  if (before) before.push(failure);
  else failures.set(shortName(name), [failure]);
}

function take(failures: Map<string, Failure[]>, name: string): Failure | undefined {
  const before = failures.get(shortName(name));
  const failure = before?.shift();
  if (before?.length === 0) failures.delete(shortName(name));
  return failure;
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
