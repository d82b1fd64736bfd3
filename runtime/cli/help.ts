/** The runner's help, made from the table of options. Internal. */

import { OPTIONS } from '../options.ts';
import { SIGNALS } from '../signals.ts';
import { hasEngine } from './engine.ts';

/** Returns the help, ready to be printed. */
export function help(): string {
  const options = OPTIONS.map(({ usage, doc }) => [`  ${usage.startsWith('--') ? '    ' : ''}${usage}`, doc]);
  options.push(
    ['  -q, --quiet', 'say nothing on stderr except failures and errors'],
    ['      --progress, --no-progress', 'show how far the run is (a line on a terminal, elsewhere one each minute)'],
    ['      --json', 'write events as NDJSON on stderr'],
    ['      --events FILE', 'append events as NDJSON to a file, apart from what workers write'],
    ['      --status', 'show how the last run of the task stands, and run nothing'],
    ['      --runs', 'show the runs of the task, the newest first, and run nothing'],
    ['      --failures', 'show the failed items of the last run, with their errors, and run nothing'],
    ['      --report-data', 'print what the last run did as JSON, for divvy report, and run nothing'],
    ['      --report-live', 'the same, again whenever it has changed, until the run has ended'],
    ['      --control WHAT', "of the run that goes on: pause, continue, 'workers N', 'cancel KEY', stop, 'stop now'"],
    ['  -h, --help', 'show this help'],
    ['      --version', 'show the release of the runtime'],
  );
  const signals = SIGNALS.map(({ signal, does }) => [`  ${signal.slice(3)}`, does]);
  return `Runs a task: worker processes take the items that its dispatch yields.

Usage: node vendor/divvy/run.mjs [options] <task file> [options] [task arguments] [-- task arguments]

Options:
${columns(options)}

A duration is 500ms, 2s or 5m; a bare number is seconds. Task arguments that begin with a dash go after --.
The arguments that a task declares: <task file> -- --help

Signals:
${columns(signals)}

Exit codes:
  0      every item is done
  1      some items failed, or --halt stopped the run
  2      the command line is wrong, or a resume is refused
  69     no worker ever became ready
  70     the task file, dispatch or a hook threw
  74     the journal cannot be written
  75     the same run is already going on, or its journal is in use
  128+n  signal n ended the run: 130 INT, 143 TERM
  141    whoever read stdout has gone
${hasEngine() ? '\nOver several machines: --engine bullmq --help shows more.\n' : ''}`;
}

function columns(rows: readonly string[][]): string {
  const width = Math.max(...rows.map(([left = '']) => left.length)) + 2;
  return rows.map(([left = '', right = '']) => `${left.padEnd(width)}${right}`).join('\n');
}
