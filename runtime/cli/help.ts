/** The runner's help, made from the table of options. Internal. */

import { OPTIONS } from '../options.ts';
import { SIGNALS } from '../signals.ts';

/** Returns the help, ready to be printed. */
export function help(): string {
  const options = OPTIONS.map(({ usage, doc }) => [`  ${usage.startsWith('--') ? '    ' : ''}${usage}`, doc]);
  options.push(
    ['      --progress, --no-progress', 'a line that shows how far the run is (on a terminal)'],
    ['      --json', 'events as NDJSON on stderr'],
    ['      --status', 'say how the last run of the task stands, and run nothing'],
    ['  -h, --help', 'this'],
    ['      --version', 'which release of the runtime this is'],
  );
  const signals = SIGNALS.map(({ signal, does }) => [`  ${signal.slice(3)}`, does]);
  return `Runs a task: hands the items that its dispatch yields to worker processes.

Usage: node vendor/divvy/run.mjs [options] <task file> [options] [task arguments] [-- task arguments]

Options:
${columns(options)}

A duration is 500ms, 2s or 5m; a bare number is seconds. Task arguments that begin with a dash go behind --.

Signals:
${columns(signals)}

Exit codes: 0 every item is done, 1 some failed, 2 usage, 69 no worker ever booted, 70 the task file, dispatch or a hook
threw, 74 the journal cannot be written, 75 it is in use, 128+n ended by signal n, 141 stdout's reader has gone.
`;
}

function columns(rows: readonly string[][]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2;
  return rows.map(([left = '', right = '']) => `${left.padEnd(width)}${right}`).join('\n');
}
