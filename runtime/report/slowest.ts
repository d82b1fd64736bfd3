/** The items of a run that took longest. Runs in commands that show a run. Internal. */

import type { SlowItem } from './data.ts';

const SLOWEST = 20;
/** More than are shown: a retry may take some out again. */
const KEPT = 500;

interface Kept {
  readonly item: SlowItem;
  /** What identifies it, if it has failed. */
  readonly name?: string;
  /** With --results: where its line ends in that file. */
  readonly results?: number;
}

/** The slowest items of one report, the slowest first. */
export class Slowest {
  #kept: Kept[] = [];
  /** The slowest that was left out: of what is faster the list has nothing, even if there is room again. */
  #leftOutMs = -1;

  /** Returns whether an item that took so long is among them. */
  takes(ms: number): boolean {
    const last = this.#kept.at(-1);
    return ms >= this.#leftOutMs && !(last && this.#kept.length === KEPT && ms <= last.item.ms);
  }

  /** Notes an item if it is among them. */
  note(kept: Kept): void {
    const { ms } = kept.item;
    if (!this.takes(ms)) {
      this.leaveOut(ms);
      return;
    }
    const at = this.#kept.findIndex(({ item }) => item.ms < ms);
    this.#kept.splice(at < 0 ? this.#kept.length : at, 0, kept);
    if (this.#kept.length > KEPT) this.#leftOutMs = this.#kept.pop()?.item.ms ?? 0;
  }

  /** An item is not among them. */
  leaveOut(ms: number): void {
    this.#leftOutMs = Math.max(this.#leftOutMs, ms);
  }

  /** A retry has ended an item, so its failure counts no more. `item` is undefined if it is known by its name only. */
  replaced(item: SlowItem | undefined, name: string): void {
    const at = this.#kept.findIndex((kept) => (item ? kept.item === item : kept.name === name));
    if (at >= 0) this.#kept.splice(at, 1);
  }

  /** Results behind this byte were lost, and their items are not done any more. */
  cutAt(bytes: number): void {
    this.#kept = this.#kept.filter(({ results = 0 }) => results <= bytes);
  }

  data(): readonly SlowItem[] {
    return this.#kept.slice(0, SLOWEST).map(({ item }) => item);
  }
}
