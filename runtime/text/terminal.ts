/** Formats lines for a terminal: width, colour, line breaks. Runs in the master. Internal. */

import { styleText } from 'node:util';
import { isLineOpen } from './shared-stream.ts';

/** How a line looks on a terminal with colour. */
export type Look = 'plain' | 'good' | 'bad' | 'again' | 'dim';

const COLOURS = { good: 'green', bad: 'red', again: 'yellow', dim: 'dim' } as const;
/** Assumed width of a terminal that does not report its own. */
const COLUMNS = 80;
/** Below this width, lines are not wrapped: the terminal breaks them. */
const NARROWEST = 20;

let graphemes: Intl.Segmenter | undefined;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Returns how many terminal columns the text takes. */
export function widthOf(text: string): number {
  return filledTo(text, 0, Infinity);
}

/**
 * Returns how many columns are filled once the text stands behind `filled` others, in rows of `columns`: a wide character
 * that has no room at the end of a row begins the next one.
 */
export function filledTo(text: string, filled: number, columns: number): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return filled + text.length;
  let at = filled;
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of graphemes.segment(text)) {
    const width = WIDE.test(segment) ? 2 : /^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment) ? 0 : 1;
    at += width + (width === 2 && at % columns === columns - 1 ? 1 : 0);
  }
  return at;
}

/** Breaks a line at spaces, so that no piece is wider than `columns`. Later pieces are indented like the first word. */
export function wrapped(line: string, columns: number): string[] {
  if (columns < NARROWEST || widthOf(line) <= columns) return [line];
  const [indent = ''] = /^(divvy: )?\s*/.exec(line) ?? [];
  const hanging = ' '.repeat(indent.length <= columns / 3 ? indent.length : 2);
  const lines: string[] = [];
  let current = indent;
  let used = widthOf(indent);
  let isEmpty = true;
  for (const word of line.slice(indent.length).split(' ')) {
    const width = widthOf(word);
    if (!isEmpty && used + 1 + width > columns) {
      lines.push(current);
      current = hanging;
      used = hanging.length;
      isEmpty = true;
    }
    current += isEmpty ? word : ` ${word}`;
    used += width + (isEmpty ? 0 : 1);
    isEmpty = false;
  }
  return [...lines, current];
}

/** Returns the width of a terminal; a reported width of 0 means that it does not know. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  return stream.columns || COLUMNS;
}

/** Returns whether the stream is a terminal that understands escape sequences. */
export function takesEscapes(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb';
}

/** Colours the text if the stream supports it. Obeys NO_COLOR, FORCE_COLOR and TERM=dumb. */
export function coloured(text: string, look: Look, stream: NodeJS.WriteStream): string {
  return look === 'plain' ? text : styleText(COLOURS[look], text, { stream });
}

/** A line and its look. A `whole` line, such as a command to copy, is never broken. */
export interface Line {
  readonly text: string;
  readonly look?: Look | 'counts';
  readonly whole?: boolean;
}

/** Keeps a count and its word together. */
const COUNTED = /([\d,]+) (done|failed|retried)\b/g;
const LOOKS = { done: 'good', failed: 'bad', retried: 'again' } as const;

/** Returns a function that writes lines for people to a stream: coloured and, on a terminal, wrapped between words. */
export function linesTo(stream: NodeJS.WriteStream): (line: Line) => void {
  return ({ text, look = 'plain', whole = false }) => {
    const tied = look === 'counts' ? text.replace(COUNTED, '$1\u00a0$2') : text;
    const pieces = stream.isTTY && !whole ? wrapped(tied, columnsOf(stream)) : [tied];
    const shown = pieces.map((piece) =>
      look === 'counts'
        ? piece.replace(/([\d,]+)\u00a0(done|failed|retried)/g, (_, count: string, word: keyof typeof LOOKS) =>
            coloured(`${count} ${word}`, count === '0' ? 'plain' : LOOKS[word], stream),
          )
        : coloured(piece, look, stream),
    );
    // If dispatch or a hook has left a line open, end it first.
    stream.write(`${isLineOpen(stream, true) ? '\n' : ''}${shown.join('\n')}\n`);
  };
}
