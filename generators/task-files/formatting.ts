/** Formats what divvy writes as the package's own formatters do. */

import { type Formatter, formatted, formattingOnes } from '../host/formatter.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Returns the text of a file as it is written. */
export type Format = (path: string, text: string) => Promise<string>;

/** Formats by one formatter after another. If one fails, the file is written without it, with a note. */
export function formatting(terminal: Terminal, formatters: readonly Formatter[], root: string): Format {
  const formats = formattingOnes(formatters).map((each) => formattingBy(terminal, each, root));
  return async (path, text) => {
    let result = text;
    for (const format of formats) result = await format(path, result);
    return result;
  };
}

function formattingBy(terminal: Terminal, formatter: Formatter, root: string): Format {
  const { name, program } = formatter;
  if (program === undefined) {
    terminal.note(`${name} is set up here, but is not in node_modules: what is written is not formatted by it.`);
    return async (_, text) => text;
  }
  let isSaid = false;
  return async (path, text) => {
    const result = await formatted({ ...formatter, program }, root, path, text);
    if ('text' in result) return result.text;
    // A fault in the formatter's settings is the same for every file, so print it once.
    const reason = result.reason.split('\n').slice(0, MOST_LINES).join('\n');
    const what = `${name} could not format ${path}, which is written as it comes`;
    terminal.note(isSaid ? `${what}.` : `${what}:\n${reason}`);
    isSaid = true;
    return text;
  };
}

/** How many lines of a formatter's message to print; the rest is its own stack. */
const MOST_LINES = 6;
