/** The parts of a run: the first one, and each that resumed it. Runs in commands that show a run. Internal. */

import type { EndRecord, RunRecord } from '../journal/records.ts';
import { cutTo, printable } from '../text/words.ts';
import type { Part } from './data.ts';

/** How many parts are listed: of more, the first ones and the last ones. */
const PARTS_MAX = 50;
const FIRST_PARTS = 10;
const NAME_MAX = 80;

/** A part, while it is read. */
type OpenPart = { -readonly [Key in keyof Part]: Part[Key] };

/** The parts of one report. */
export class Parts {
  leftOut = 0;
  /** Where the current part begins on the axis. */
  beganMs = 0;
  readonly #parts: OpenPart[] = [];

  begin({ mode, at, user, host, commit, release }: RunRecord, ms: number): void {
    this.#reach(ms);
    this.beganMs = ms;
    this.#parts.push({
      ...{ mode, at: short(at), user: short(user), host: short(host) },
      ...(commit !== undefined && { commit: short(commit) }),
      ...(release !== undefined && { release: short(release) }),
      ...{ fromMs: ms, toMs: ms, done: 0, failed: 0, how: 'cut short' },
    });
    if (this.#parts.length <= PARTS_MAX) return;
    this.#parts.splice(FIRST_PARTS, 1);
    this.leftOut += 1;
  }

  count(how: 'done' | 'failed', items: number): void {
    const part = this.#parts.at(-1);
    if (part) part[how] += items;
  }

  end({ complete, stoppedBy, exitCode }: EndRecord): void {
    const part = this.#parts.at(-1);
    const otherwise = exitCode > 1 ? `exit code ${exitCode}` : 'unfinished';
    if (part) part.how = complete ? 'complete' : short(stoppedBy ?? otherwise);
  }

  data(nowMs: number): Part[] {
    this.#reach(nowMs);
    return this.#parts.map((part) => ({ ...part }));
  }

  #reach(ms: number): void {
    const part = this.#parts.at(-1);
    if (part) part.toMs = ms;
  }
}

/** Returns a text of the journal as it can be shown. It may be missing in one that was edited. */
function short(text: unknown): string {
  return cutTo(printable(String(text ?? '')), NAME_MAX);
}
