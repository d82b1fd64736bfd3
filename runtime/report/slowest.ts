/** The items of a run that took longest. Runs in commands that show a run. Internal. */

import { cutTo, printable } from '../text/words.ts';
import type { SlowItem } from './data.ts';

const SLOWEST = 20;
const KEY_MAX = 80;

/** The slowest items of one report, the slowest first. */
export class Slowest {
  #items: SlowItem[] = [];

  /** Notes an item if it is among them. */
  note(item: SlowItem): void {
    const last = this.#items.at(-1);
    if (last && this.#items.length === SLOWEST && item.ms <= last.ms) return;
    const at = this.#items.findIndex(({ ms }) => ms < item.ms);
    const added = { ...item, key: cutTo(printable(item.key), KEY_MAX) };
    this.#items = this.#items.toSpliced(at < 0 ? this.#items.length : at, 0, added).slice(0, SLOWEST);
  }

  data(): readonly SlowItem[] {
    return this.#items;
  }
}
