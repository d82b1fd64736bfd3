// A terminal without a window: what a person sees of the bytes that a program has written.
import { Writable } from 'node:stream';
import xterm from '@xterm/headless';

/** The rows of scrollback: more than any test writes. */
const KEPT_ROWS = 10_000;

/** What a terminal of this size shows. */
export class Screen {
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  #given: Promise<void> = Promise.resolve();

  /** isRaw - the bytes come from a real terminal, which has already turned each newline into two characters. */
  constructor(columns: number, rows: number, { isRaw = false } = {}) {
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows,
      scrollback: KEPT_ROWS,
      convertEol: !isRaw,
      allowProposedApi: true,
    });
  }

  /** Gives it bytes. */
  give(bytes: Uint8Array | string): void {
    this.#given = new Promise((resolve) => this.#terminal.write(bytes, resolve));
  }

  async resize(columns: number): Promise<void> {
    await this.#given;
    this.#terminal.resize(columns, this.#terminal.rows);
  }

  /** All rows, also those that have scrolled away, without empty ones at the end. */
  async rows(): Promise<string[]> {
    await this.#given;
    const { active } = this.#terminal.buffer;
    const rows = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? '');
    return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1);
  }

  /** All lines: rows that only the width has broken are one. */
  async lines(): Promise<string[]> {
    await this.#given;
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let at = 0; at < active.length; at++) {
      const row = active.getLine(at);
      let text = row?.translateToString(!active.getLine(at + 1)?.isWrapped) ?? '';
      // No room for half of a wide character.
      if (active.getLine(at + 1)?.isWrapped && row?.getCell(this.#terminal.cols - 1)?.getChars() === '')
        text = text.replace(/ $/, '');
      if (row?.isWrapped) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }

  /** The colour and the weight of each character of a row. */
  async looks(row: number): Promise<string> {
    await this.#given;
    const line = this.#terminal.buffer.active.getLine(row);
    return Array.from({ length: this.#terminal.cols }, (_, at) => {
      const cell = line?.getCell(at);
      return !cell || cell.getChars() === ''
        ? ''
        : `${cell.isFgDefault() ? '-' : cell.getFgColor()}${cell.isDim() ? 'd' : ''}`;
    }).join(' ');
  }

  /** Where the cursor is, from 0: the row counts those that have scrolled away. */
  async cursor(): Promise<{ row: number; column: number }> {
    await this.#given;
    const { baseY, cursorX, cursorY } = this.#terminal.buffer.active;
    return { row: baseY + cursorY, column: cursorX };
  }
}

/** A stream of this process that is a terminal. */
export class Tty extends Writable {
  readonly isTTY = true;
  columns: number;
  /** Each write, as it has reached the terminal. */
  readonly writes: Buffer[] = [];
  readonly #screens: readonly Screen[];
  #held: (() => void)[] | undefined;

  /** columns - what it says of its width. */
  constructor(columns: number, ...screens: readonly Screen[]) {
    super({ decodeStrings: true });
    this.columns = columns;
    this.#screens = screens;
  }

  getColorDepth(): number {
    return process.env['NO_COLOR'] ? 1 : 4;
  }

  /** From now on it takes nothing, as after Ctrl+S. */
  hold(): void {
    this.#held ??= [];
  }

  /** It takes all that waits. Resolves when it has. */
  async release(): Promise<void> {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const go of held) go();
    await new Promise((resolve) => setImmediate(resolve));
  }

  override _write(chunk: Buffer, _: string, written: () => void): void {
    const go = (): void => {
      if (chunk.length > 0) this.writes.push(chunk);
      for (const screen of this.#screens) screen.give(chunk);
      written();
    };
    if (this.#held) this.#held.push(go);
    else go();
  }

  /** As what it stands for. */
  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }
}
