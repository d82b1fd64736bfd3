/**
 * A line that always stands below all output on a terminal. Runs in the master. Internal.
 *
 * Before any output it is erased, in the same write as a worker's output, and after it drawn again. It leaves the cursor
 * where output goes on:
 *
 * - At the start of its own row. So one code erases it, even if the terminal has become narrower and shows it in two rows.
 * - If a line of output is still open, at the end of that line: then it stands one row further down.
 *
 * If SIGKILL ends this process, the line stays, and the shell's next output overwrites its beginning: nothing can
 * prevent that.
 */

import { accompany, type Companion, flushed, isLineOpen, writeAside } from '../text/shared-stream.ts';
import { columnsOf, filledTo } from '../text/terminal.ts';
import { SEQUENCES } from '../text/words.ts';

/** Keep the cursor and its colours, and bring both back. */
const KEEP = '\x1b7';
const BACK = '\x1b8';
/** Without wrapping: the terminal may be narrower than it has said so far. Colours that output has left on are ignored. */
const BEGIN = '\x1b[m\x1b[?7l';
/** Also erases what is left of a longer line, in all rows that it takes. */
const END = '\x1b[?7h\x1b[J';
/** One row down, after making sure that there is one: at the bottom, the terminal scrolls. */
const BELOW = `\x1bD\x1b[A${KEEP}\x1b[B\r`;

const NEWLINE = 0x0a;
const TAB = 8;
/** Of a longer open line nobody knows where it ends. */
const MEASURED_BYTES_MAX = 4096;

/** Where the output on a terminal has ended. */
export class OutputEnd {
  /** There is something in the last row. */
  isOpen = false;
  /** How many columns the open line takes, if it is not broken into rows; NaN if nobody knows. */
  #columns = 0;

  /** isOpen - a line has been open before. */
  constructor(isOpen: boolean) {
    if (isOpen) this.#open(NaN);
  }

  /** More output, on a terminal of so many columns. */
  add(output: string | Uint8Array, columns: number): void {
    const end = typeof output === 'string' ? output.lastIndexOf('\n') : output.lastIndexOf(NEWLINE);
    if (end >= 0) {
      this.isOpen = false;
      this.#columns = 0;
    }
    if (end + 1 === output.length) return;
    if (output.length - end > MEASURED_BYTES_MAX) this.#open(NaN);
    else {
      const open =
        typeof output === 'string' ? output.slice(end + 1) : Buffer.from(output.subarray(end + 1)).toString();
      this.#addOpen(open, columns);
    }
  }

  /**
   * Returns whether the open line may have filled its last row. Then the cursor hangs over the edge, and comes back from
   * no move as it was: what follows would overwrite the last character.
   */
  isAtEdge(columns: number): boolean {
    return this.#columns > 0 && this.#columns % columns === 0;
  }

  #addOpen(text: string, columns: number): void {
    // What shows nothing, such as the end of a colour, opens no line.
    const visible = text.replace(SEQUENCES, '');
    if (visible === '') return;
    let at = this.#columns;
    for (const part of visible.split(/([\r\t\b])/)) {
      if (part === '\r') at = 0;
      else if (part === '\t') at = tabbed(at, columns);
      else if (part === '\b') at = Math.max(0, at - 1);
      else at = filledTo(part, at, columns);
    }
    this.#open(at);
  }

  #open(columns: number): void {
    this.isOpen = true;
    this.#columns = columns;
  }
}

/** Returns where a tab leads: never into the next row. */
function tabbed(at: number, columns: number): number {
  const column = at % columns;
  if (column === 0 && at > 0) return at;
  return at - column + Math.min(column + TAB - (column % TAB), columns - 1);
}

/** The line below all output. */
export class Footer implements Companion {
  readonly #streams: readonly NodeJS.WriteStream[];
  readonly #leave: readonly (() => void)[];
  readonly #end: OutputEnd;
  #line = '';
  /** The bytes that draw the line in its own row; made once for many drawings. */
  #drawing: Buffer = Buffer.alloc(0);
  #shown: 'no' | 'in its row' | 'below an open line' = 'no';
  /** Where output was last written to: there the line comes behind it, even if the terminal takes nothing for a while. */
  #last: NodeJS.WriteStream;
  /** Waits until the terminal takes more. */
  #isWaiting = false;
  /** It has been drawn in this turn of the event loop; more output comes, and then once more at its end. */
  #turn: NodeJS.Immediate | undefined;
  #isOver = false;
  readonly #exited = (): void => this.end();

  /** streams - one terminal's: stdout and stderr, or one of them. At least one. */
  constructor(streams: readonly [NodeJS.WriteStream, ...NodeJS.WriteStream[]]) {
    this.#streams = streams;
    [this.#last] = streams;
    this.#end = new OutputEnd(streams.some((stream) => isLineOpen(stream)));
    this.#leave = streams.map((stream) => accompany(stream, this));
    process.once('exit', this.#exited); // the task may call process.exit
  }

  /** Draws this line from now on: narrower than the terminal, without a newline. */
  show(line: string): void {
    this.#line = line;
    this.#drawing = Buffer.from(`\r${KEEP}${BEGIN}${line}${END}${BACK}`);
    this.#draw();
  }

  /** Erases the line, for good. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    process.off('exit', this.#exited);
    clearImmediate(this.#turn);
    const erasing = this.before(this.#last);
    if (erasing !== '') writeAside(this.#last, erasing);
    for (const leave of this.#leave) leave();
  }

  before(stream: NodeJS.WriteStream): string {
    if (this.#shown === 'no') return '';
    const erasing = this.#shown === 'in its row' ? '\r\x1b[J' : `${BELOW}\x1b[J${BACK}`;
    // While the line itself waits in the other stream, it may come out behind this; then erase it once more.
    if (stream === this.#last || this.#last.writableLength === 0) this.#shown = 'no';
    return erasing;
  }

  after(stream: NodeJS.WriteStream, ...parts: readonly (string | Uint8Array)[]): void {
    for (const part of parts) this.#end.add(part, columnsOf(stream));
    this.#last = stream;
    if (this.#turn) return;
    this.#draw();
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      if (this.#shown === 'no') this.#draw();
    });
  }

  #draw(): void {
    if (this.#isOver || this.#line === '') return;
    // Nothing piles up in front of a terminal that takes nothing, as after Ctrl+S.
    if (!this.#isOut) this.#drawWhenOut();
    else if (!this.#end.isOpen) {
      writeAside(this.#last, this.#drawing);
      this.#shown = 'in its row';
    } else if (!this.#end.isAtEdge(columnsOf(this.#last))) {
      writeAside(this.#last, `${BELOW}${BEGIN}${this.#line}${END}${BACK}`);
      this.#shown = 'below an open line';
    }
  }

  /** The terminal has taken all that was written. */
  get #isOut(): boolean {
    return this.#streams.every(({ writableLength }) => writableLength === 0);
  }

  #drawWhenOut(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    void Promise.all(this.#streams.map(flushed)).then(() => {
      this.#isWaiting = false;
      // If something waits again, or still, because the terminal is gone: that output, or the next time, draws it.
      if (this.#shown === 'no' && this.#isOut) this.#draw();
    });
  }
}
