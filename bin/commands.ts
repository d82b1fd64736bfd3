/**
 * The table of commands, and the only place that sets the exit code. A command's code is loaded when it is called: the
 * help loads only this file and the flags.
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { version } from '../generators/package.ts';
import type { Command, Exit } from '../generators/terminal/command.ts';
import {
  folderIsGone,
  noCommand,
  noFolderToWorkIn,
  outputNotWritten,
  systemRefused,
  unknownCommand,
} from '../generators/terminal/errors.ts';
import { type FlagValues, parse } from '../generators/terminal/flags.ts';
import { type CommandHelp, commandHelp, type Program, programHelp } from '../generators/terminal/help.ts';
import { withHome } from '../generators/terminal/home.ts';
import { nearest } from '../generators/terminal/nearest.ts';
import { Refusal } from '../generators/terminal/refusal.ts';
import { terminal } from '../generators/terminal/terminal.ts';
import { unpackCompiler } from './unpacked.ts';

unpackCompiler();

interface CommandEntry extends CommandHelp {
  /** How many words the command takes at most; `what` describes them for messages. */
  readonly words: { readonly most: number; readonly what: string };
  /** Its flags belong to the runner, so they are not read here. */
  readonly raw?: true;
  readonly load: () => Promise<Command>;
}

/** Behind the task's name come the arguments of its run. */
const CONTROLS = { words: { most: Number.POSITIVE_INFINITY, what: 'a task, and the arguments of its run' } };

/** Which run to show. */
const OF_RUN = { most: Number.POSITIVE_INFINITY, what: 'a task, and the id or the arguments of its run' };

/** What add makes, and remove takes back. */
const ADDED = { most: 2, what: 'one task, telemetry, or an engine' };

/** The options of a run are those of the runner. */
const OF_RUNNER = {
  flagsElsewhere: 'The options are those of the runtime: in a project, this lists them.',
  words: { most: 1, what: 'a task' },
  raw: true,
} as const;

const commands: Readonly<Record<string, CommandEntry>> = {
  create: {
    takes: '[dir]',
    summary: 'a new project with one task; the last part of dir names it',
    words: { most: Number.POSITIVE_INFINITY, what: 'one folder' },
    load: async () => (await import('../generators/create/create.ts')).create,
  },
  add: {
    takes: '<task>|<part>',
    summary: 'a task, and the runtime if it is missing; or telemetry, or engine bullmq',
    words: ADDED,
    load: async () => (await import('../generators/add/add.ts')).add,
  },
  remove: {
    takes: '<task>|<part>',
    summary: 'remove what add made; with the last task, everything',
    words: ADDED,
    load: async () => (await import('../generators/remove/remove.ts')).remove,
  },
  hook: {
    takes: 'add|remove <hook…>',
    summary: "add or remove hooks in a task's class (see divvy list)",
    words: { most: Number.POSITIVE_INFINITY, what: 'add or remove, and hooks' },
    load: async () => (await import('../generators/hook/hook.ts')).hook,
  },
  undo: {
    takes: '',
    summary: 'undo what the last command wrote',
    words: { most: 0, what: 'no arguments' },
    load: async () => (await import('../generators/undo/undo.ts')).undo,
  },
  apply: {
    takes: '<plan>',
    summary: 'carry out a plan that --plan has made',
    words: { most: 1, what: 'one plan' },
    load: async () => (await import('../generators/apply/apply.ts')).apply,
  },
  run: {
    takes: '<task> [options]',
    summary: 'run a task by the runtime of its project',
    ...OF_RUNNER,
    load: async () => (await import('../generators/run/run.ts')).run,
  },
  join: {
    takes: '<task> [options]',
    summary: 'work on items of a run that another machine began with --engine',
    ...OF_RUNNER,
    load: async () => (await import('../generators/run/join.ts')).join,
  },
  list: {
    takes: '',
    summary: 'the tasks that are here and their last runs, the templates and the hooks',
    words: { most: 0, what: 'no arguments' },
    load: async () => (await import('../generators/list/list.ts')).list,
  },
  status: {
    takes: '[task] [run]',
    summary: 'how the last run of a task, or of each task, is going',
    words: OF_RUN,
    load: async () => (await import('../generators/status/status.ts')).status,
  },
  runs: {
    takes: '[task]',
    summary: 'the runs of a task, or of each: when, by whom, with what, how they ended',
    words: { most: 1, what: 'one task' },
    load: async () => (await import('../generators/runs/runs.ts')).runs,
  },
  failures: {
    takes: '[task] [run]',
    summary: 'the items that failed in the last run of a task, with their errors',
    words: OF_RUN,
    load: async () => (await import('../generators/failures/failures.ts')).failures,
  },
  report: {
    takes: '[task] [run]',
    summary: 'what a run did, as one page: throughput, durations, workers, failures',
    words: OF_RUN,
    load: async () => (await import('../generators/report/report.ts')).report,
  },
  pause: {
    takes: '[task]',
    summary: 'let the items in progress of a run finish, and start none until continue',
    ...CONTROLS,
    load: async () => (await import('../generators/control/control.ts')).controlOf('pause'),
  },
  continue: {
    takes: '[task]',
    summary: 'go on with a run that is paused',
    ...CONTROLS,
    load: async () => (await import('../generators/control/control.ts')).controlOf('continue'),
  },
  workers: {
    takes: '<n> [task]',
    summary: 'from now on a run may have so many workers',
    ...CONTROLS,
    load: async () => (await import('../generators/control/control.ts')).controlOf('workers'),
  },
  cancel: {
    takes: '<key> [task]',
    summary: 'abort an item in progress, by its key; it fails as Cancelled',
    ...CONTROLS,
    load: async () => (await import('../generators/control/control.ts')).controlOf('cancel'),
  },
  stop: {
    takes: '[task]',
    summary: 'stop a run once its items in progress have finished, or --now',
    ...CONTROLS,
    load: async () => (await import('../generators/control/control.ts')).controlOf('stop'),
  },
  template: {
    takes: '<part> …',
    summary: 'list, new <name>, check [folder] or test [folder]: templates of a team',
    words: { most: 3, what: 'list, new, check or test, and one name or folder' },
    load: async () => (await import('../generators/template/template.ts')).template,
  },
  completion: {
    takes: '<shell>',
    summary: 'print a script that makes bash, zsh or fish complete commands and flags',
    words: { most: 1, what: 'one shell' },
    load: async () => (await import('../generators/completion/completion.ts')).completionOf(commands),
  },
  doctor: {
    takes: '',
    summary: 'what is not as it should be here, and what to do about it',
    words: { most: 0, what: 'no arguments' },
    load: async () => (await import('../generators/doctor/doctor.ts')).doctor,
  },
  diff: {
    takes: '[file…]',
    summary: 'what you changed in the runtime since it was released',
    words: { most: Number.POSITIVE_INFINITY, what: 'files' },
    load: async () => (await import('../generators/diff/diff.ts')).diff,
  },
  upgrade: {
    takes: '',
    summary: 'renew the runtime, and keep what you changed in it',
    words: { most: 0, what: 'no arguments' },
    load: async () => (await import('../generators/upgrade/upgrade.ts')).upgrade,
  },
  eject: {
    takes: '',
    summary: 'keep the runtime and let go of divvy: divvy.json and the lock are removed',
    words: { most: 0, what: 'no arguments' },
    load: async () => (await import('../generators/eject/eject.ts')).eject,
  },
};

/**
 * Runs a command line to its end. Then sets the exit code, or ends this process with the signal that ended the command.
 */
export async function main(program: Program, argv: readonly string[]): Promise<void> {
  // Adds each listener only once, even if a process runs several command lines, as the tests do.
  process.stdout.off('error', outputLost).on('error', outputLost);
  process.stderr.off('error', nowhereToSayIt).on('error', nowhereToSayIt);
  const exit = await outcome(program, argv);
  if (typeof exit === 'string') process.kill(process.pid, exit);
  else if (exit !== 0 || process.exitCode === undefined) process.exitCode = exit;
}

const nowhereToSayIt = (): void => {};

/** A reader that stops reading, such as `head`, has what it wanted: the command ends as usual. */
function outputLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.exitCode = 1;
  terminal({ json: false, quiet: false }).refuse(outputNotWritten(error.message));
}

/** A parsed command line: the command, and its arguments. */
interface Line {
  /** The command as it was called, such as `divvy create`. */
  readonly shown: string;
  readonly name: string;
  readonly argv: readonly string[];
}

async function outcome(program: Program, argv: readonly string[]): Promise<Exit> {
  const line = tellApart(program, argv);
  const isOurs = commands[line.name]?.raw !== true || (line.shown === program && isMistyped(line.argv[0]));
  if (isOurs && argv.includes('--no-color')) {
    process.env['NO_COLOR'] = '1';
    delete process.env['FORCE_COLOR'];
  }
  const speech = terminal({ json: isOurs && argv.includes('--json'), quiet: false });
  try {
    return await call(program, line);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : bySystem(error);
    if (refusal === undefined) throw error;
    speech.refuse(refusal);
    const { exitCode, message, remedy } = refusal;
    speech.result({ error: { exitCode, message, remedy } });
    return exitCode;
  }
}

/** If the system refuses something with a file, that is no bug, no matter where it happened. */
function bySystem(error: unknown): Refusal | undefined {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  return error instanceof Error && code !== undefined && syscall !== undefined ? systemRefused(message) : undefined;
}

/**
 * A command's word means that command in both programs, also after `--cwd`. For any other first argument, each program
 * decides itself what it means.
 */
function tellApart(program: Program, argv: readonly string[]): Line {
  const before = cwdFirst(argv)?.length ?? 0;
  const word = argv[before] ?? '';
  if (Object.hasOwn(commands, word)) {
    return { shown: `${program} ${word}`, name: word, argv: argv.toSpliced(before, 1) };
  }
  return { shown: program, name: program === 'divvy' ? 'run' : 'create', argv };
}

async function call(program: Program, { shown, name, argv }: Line): Promise<Exit> {
  const entry = commands[name];
  if (entry === undefined) throw new TypeError(`no entry for the command ${name}`);
  const { values, words } = entry.raw ? runFlags(argv) : parse(argv, { shown, name, words: entry.words });
  const cwd = folderToWorkIn(values.cwd);
  if (entry.raw) {
    const isMain = shown === program;
    if (words[0] === '--version') return say(version);
    if (words[0] === '--help' || words[0] === '-h') {
      if (isMain) return say(programHelp(program, commands));
      // If there is a project, its own runner explains its options best.
      const { projectFolder } = await import('../generators/project/manifest.ts');
      if (projectFolder(cwd) === undefined) return say(commandHelp(shown, name, entry));
    }
    if (isMain) refuseNoFile(words[0]);
  }
  if (values.help) {
    const help = shown === program ? programHelp(program, commands) : commandHelp(shown, name, entry);
    if (values.template === undefined) return say(help);
    const { templateHelp } = await import('../generators/next-steps/template-help.ts');
    return say(`${help}\n\n${await templateHelp(values, cwd)}`);
  }
  if (values.version) return say(version);
  const command = await entry.load();
  return command({
    shown,
    values,
    words,
    argv: entry.raw ? words : argv,
    cwd,
    environment: process.env,
    terminal: terminal({ json: values.json === true, quiet: values.quiet === true }),
  });
}

/** `divvy` alone takes options and a task file, as the original does; a single word is a mistyped command. */
function refuseNoFile(word: string | undefined): void {
  const names = Object.keys(commands);
  if (word === undefined) throw noCommand(names);
  if (isMistyped(word)) throw unknownCommand(word, nearest(word, names));
}

/** Whether a word is neither a command nor a task file: a file has a dot or a slash. */
const isMistyped = (word: string | undefined): boolean => word !== undefined && /^\w[\w-]*$/.test(word);

/**
 * Only a leading `--cwd` belongs to divvy, and the flags against questions, since nothing is asked anyway; everything
 * else on the line is for the runner.
 */
function runFlags(argv: readonly string[]): { values: FlagValues; words: readonly string[] } {
  const before = withoutNeverAsk(argv);
  const cwd = cwdFirst(before);
  return cwd === undefined
    ? { values: {}, words: before }
    : { values: { cwd: cwd.folder }, words: withoutNeverAsk(before.slice(cwd.length)) };
}

function withoutNeverAsk(argv: readonly string[]): readonly string[] {
  const first = argv.findIndex((word) => !['--yes', '-y', '--no-input'].includes(word));
  return first < 0 ? [] : argv.slice(first);
}

/** The folder that a command line starts with, and how many arguments it takes up. */
function cwdFirst([first = '', second]: readonly string[]): { folder: string; length: number } | undefined {
  if ((first === '-C' || first === '--cwd') && second !== undefined) return { folder: second, length: 2 };
  return first.startsWith('--cwd=') ? { folder: first.slice('--cwd='.length), length: 1 } : undefined;
}

function folderToWorkIn(named: string | undefined): string {
  let here: string;
  try {
    here = process.cwd();
  } catch {
    throw folderIsGone();
  }
  if (named === undefined) return here;
  const folder = resolve(here, withHome(named));
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  } catch (error) {
    throw noFolderToWorkIn(named, (error as Error).message);
  }
  throw noFolderToWorkIn(named, 'there is no such folder');
}

function say(text: string): Exit {
  process.stdout.write(`${text}\n`);
  return 0;
}
