/**
 * The errors of the runtime, with their messages: what is wrong, with the value, and what to do next. Those of journals, of
 * control and of task files that can't be loaded are in the folders of these.
 *
 * Exit codes of the runner; the first one that applies:
 *   128+n  ended by signal n, after cleaning up: 129 HUP, 130 INT, 131 QUIT, 143 TERM
 *   141    the reader of stdout has gone; a graceful stop
 *   74     the journal or the results cannot be written, or the journal is damaged
 *   75     the same run is already going on, or another run has the journal or the file of results
 *   70     the task file, `dispatch` or a hook of the master threw (not afterRun or afterExit), or nothing caught an error there
 *   69     no worker ever became ready
 *   2      wrong usage, or a resume that is refused
 *   1      some items failed, now or in the resumed run; or --halt, divvy stop, shutdown() or an aborted signal stopped the run;
 *          or a hook that runs at an exit threw
 *   0      every item is done
 */

import os from 'node:os';
import { BYTES_MAX, DEPTH_MAX, ERRORS_MAX, FIELDS_MAX, isCount, isDelay, toItemError } from './item-error.ts';
import type { ItemError, RunResult } from './parallelizable.ts';
import { reasonsOf } from './text/failures.ts';
import { inspected } from './text/words.ts';

export { toItemError } from './item-error.ts';

/** An error whose message says what to do; it is shown without a stack. Public. */
export class DivvyError extends Error {
  /** The runner's exit code. */
  readonly exitCode: number;
  /** The result of the run, if it had begun. */
  result?: RunResult;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** The command line, an option, or a file that it names is wrong. Public. */
export class UsageError extends DivvyError {
  constructor(message: string) {
    super(message, 2);
  }
}

/** The task file, `dispatch`, or a hook that runs in the master threw; `cause` is the thrown value. Public. */
export class TaskError extends DivvyError {
  constructor(message: string, cause?: unknown) {
    super(message, 70, cause === undefined ? undefined : { cause });
  }
}

/** No worker of the run ever became ready. Public. */
export class BootFailure extends DivvyError {
  constructor(deaths: number, last: string, inline: boolean) {
    const hint = inline ? '' : ', and try the task file in this process with --inline';
    super(`no worker ever became ready (${deaths} tried): ${last}; see what it wrote above${hint}`, 69);
  }
}

/** The run was stopped forcefully. Public. */
export class Shutdown extends DivvyError {
  constructor(by: string, exitCode: number) {
    super(`the run was stopped forcefully (${by}); items that were in progress are unfinished`, exitCode);
  }
}

/** The command line asks what the task's arguments are; nothing was run. Internal: its message is the help. */
export class ArgumentsHelp extends DivvyError {
  constructor(text: string) {
    super(text, 0);
  }
}

/** A peer on the socket broke the protocol; its connection can't be used any more. Internal. */
export class ProtocolError extends Error {}

/** An item or a result that can't be sent to another process. Internal: the item fails with it. */
export class UnfitError extends Error {
  override readonly name = 'UnfitError';
  readonly permanent = true;
}

/** A person has cancelled the item. Internal: the item fails with it, and its signal is aborted with it. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  readonly permanent = true;

  constructor() {
    super('somebody cancelled it');
  }
}

/** A run over several machines needs files that a project has only on demand. */
export const engineIsMissing = (): UsageError =>
  new UsageError('the engine is not installed in this runtime; run: npx -p create-divvy-task divvy add engine bullmq');

/** Returns 128 + n for a signal's name; 1 for anything else. */
export function exitCodeOf(signal: string): number {
  const number = os.constants.signals[signal as NodeJS.Signals];
  return number === undefined ? 1 : 128 + number;
}

/** Maximum size of an error from a worker: more than toItemError ever produces. */
const FORGED_MAX = 2 * BYTES_MAX;

/**
 * Checks an error from a worker and returns it. Throws ProtocolError if it is not an error, or is too large: the task
 * may have written to the worker's socket.
 */
export function itemErrorFrom(value: unknown): ItemError {
  if (!isItemError(value, 0) || JSON.stringify(value).length > FORGED_MAX)
    throw new ProtocolError('what came as an error is none');
  return value;
}

function isItemError(value: unknown, depth: number): value is ItemError {
  const parts = Object(value) as Record<string, unknown>;
  const { name, message, stack = '', code = '', retryAfterMs = 0, fields = {}, errors = [], cause } = parts;
  const { errorCount = 1, causesLeftOut = 1 } = parts;
  return (
    depth <= DEPTH_MAX &&
    [name, message, stack].every((part) => typeof part === 'string') &&
    (typeof code === 'string' || typeof code === 'number') &&
    isDelay(retryAfterMs) &&
    isCount(errorCount) &&
    isCount(causesLeftOut) &&
    typeof fields === 'object' &&
    fields !== null &&
    !Array.isArray(fields) &&
    Object.keys(fields).length <= FIELDS_MAX &&
    Array.isArray(errors) &&
    errors.length <= ERRORS_MAX &&
    errors.every((error) => isItemError(error, depth + 1)) &&
    (cause === undefined || isItemError(cause, depth + 1))
  );
}

export const noSocketFolder = (tried: readonly string[]): UsageError =>
  new UsageError(
    `no folder for the socket can be made; tried ${tried.join('; ')}. Set XDG_RUNTIME_DIR to a folder that can be written and has a short path, or name the socket with --socket`,
  );

export const notPermitted = (flags: readonly string[]): UsageError =>
  new UsageError(
    `Node.js was started with --permission, and does not allow what a run needs; add ${flags.join(' ')}, or leave --permission out`,
  );

export const socketPathTooLong = (path: string, bytes: number, most: number): UsageError =>
  new UsageError(
    `the socket's path is ${bytes} bytes long, and the system takes ${most} at most: ${path}; name a shorter one with --socket`,
  );

export const socketInUse = (path: string): UsageError =>
  new UsageError(
    `the socket is in use by another process: ${path}; wait until that run has ended, or name another with --socket`,
  );

export const notASocket = (path: string): UsageError =>
  new UsageError(
    `there is a file that is not a socket at ${path}; remove it yourself, or name another path with --socket`,
  );

export const socketFolderMissing = (path: string, folder: string): UsageError =>
  new UsageError(
    `the socket cannot be opened at ${path}: there is no folder ${folder}; make it, or name another path with --socket`,
  );

export const socketFailed = (path: string, error: unknown): UsageError =>
  new UsageError(`the socket cannot be opened at ${path}: ${messageOf(error)}; name another path with --socket`);

export const masterOutOfReach = (worker: number, error: Error): string =>
  `divvy: worker ${worker} cannot reach its master: ${error.message}; name another path with --socket`;

export const folderGone = (): UsageError =>
  new UsageError(
    'the folder that this run was started in is gone; change to a folder that exists, and start again with --resume',
  );

export const taskFileMissing = (path: string, isFolder: boolean): UsageError =>
  new UsageError(
    isFolder
      ? `the task file is a folder: ${path}; name a file, such as tasks/my-task.ts`
      : `there is no task file at ${path}; check the path, which is taken from ${process.cwd()}`,
  );

export const taskFileOutOfReach = (path: string, error: unknown): UsageError =>
  new UsageError(`the task file cannot be reached: ${messageOf(error)}; check the path, and who may read it: ${path}`);

export const manifestUnreadable = (file: string, error: unknown): UsageError =>
  new UsageError(`divvy.json cannot be read: ${file}: ${messageOf(error)}; correct it and run again`);

export const notModules = (what: string, value: unknown): UsageError =>
  mustBe(what, 'the name or the path of a module, or a list of these', value);

export const importMissing = (name: string, error: unknown, taskFile?: string): UsageError =>
  new UsageError(
    taskFile === undefined
      ? `there is no module to import at ${name}: ${messageOf(error)}; check the path: --import takes it from the folder that you are in, "import" in divvy.json from the folder of that file`
      : `there is no module ${name} to import: ${messageOf(error)}; ${isFileName(name) ? `a file is named by its path: if you meant that one, write ./${name}` : `check the name, or install the package in the project of ${taskFile}`}`,
  );

/** Ends like a module file, or is below a folder; but not a scoped package, a URL, or a `#name`. */
const isFileName = (name: string): boolean => /^(?![@#])[^:]*(\.[cm]?[jt]sx?$)/.test(name);

export const importThrew = (name: string, error: unknown): TaskError =>
  new TaskError(
    `the module to import cannot be loaded: ${name}: ${nameAndMessage(error)}; correct it, or leave it out of --import and of "import" in divvy.json`,
    error,
  );

export const constructorThrew = (path: string, className: string, error: unknown): TaskError =>
  new TaskError(
    `the constructor of ${className} threw: ${nameAndMessage(error)}; it is called without arguments, by the master and by every worker: ${path}`,
    error,
  );

export const taskHasNoClass = (path: string, found: string): TaskError =>
  new TaskError(
    `the task file has no class as its default export (${found}): ${path}; write: export default class MyTask implements Parallelizable<Item> { … }`,
  );

export const taskLacks = (path: string, className: string, member: string): TaskError =>
  new TaskError(
    `the task class ${className} has no method ${member}: ${path}; add it (vendor/divvy/parallelizable.ts says what it is for)`,
  );

export const dispatchThrew = (error: unknown, dispatched: number): TaskError =>
  new TaskError(
    dispatched === 0
      ? `dispatch threw: ${nameAndMessage(error)}`
      : `dispatch threw after ${dispatched.toLocaleString('en')} ${dispatched === 1 ? 'item' : 'items'}: ${nameAndMessage(error)}; items in progress were finished, and no more were dispatched`,
    error,
  );

export const dispatchGaveNoItems = (given: unknown): TaskError =>
  new TaskError(
    `dispatch did not return a generator: it returned ${given instanceof Promise ? 'a promise' : inspected(given, { depth: 0 })}; write it as *dispatch() or async *dispatch()`,
  );

export const noIteratorResult = (given: unknown): TypeError =>
  new TypeError(`next() returned ${inspected(given, { depth: 0 })}, not { value, done }`);

export const nothingCaught = (error: unknown): TaskError =>
  new TaskError(
    `nothing caught an error in the master: ${nameAndMessage(error)}; the run was stopped, and items in progress were finished; await the promise, or listen to the event, that it came from`,
    error,
  );

export const hookThrew = (hook: string, error: unknown): TaskError =>
  new TaskError(
    `the hook ${hook} threw: ${nameAndMessage(error)}; the run was stopped, and items in progress were finished`,
    error,
  );

export const optionGoesWrong = (wrong: string): UsageError =>
  new UsageError(
    `${wrong}; --help lists the options, and the task's own arguments go after -- (with npm: after a second --)`,
  );

/** `near` are similar options. */
export const noOption = (option: string, near: readonly string[]): UsageError =>
  new UsageError(
    `there is no option ${option}; ${near.length === 0 ? '--help lists the options.' : `did you mean ${near.join(' or ')}?`} ${option.startsWith('--') ? `An argument of the task is written ${option.slice(2)}=…, or goes after --` : "The task's own arguments go after --"} (with npm: after a second --)`,
  );

/** `wrong` says of each what is wrong. */
export const argumentsAreWrong = (wrong: readonly string[], help: string): UsageError => {
  const [first = ''] = wrong;
  return new UsageError(
    wrong.length === 1
      ? `a task argument is wrong: ${first}\n${help}`
      : [`${wrong.length} task arguments are wrong:`, ...wrong.map((each) => `  ${each}`), help].join('\n'),
  );
};

export const argumentHasNoValue = (wrong: string): UsageError =>
  new UsageError(
    `a task argument has no value here, outside a run: ${wrong}; in a test: runInline(task, { args: { … } })`,
  );

export const noSuchArgument = (name: string, names: readonly string[]): UsageError =>
  new UsageError(
    `args has ${name}, which the task doesn't declare; leave it out, or declare it in taskArguments (declared are: ${names.join(', ') || 'none'})`,
  );

export const argumentsDiffer = (taskFile: string): UsageError =>
  new UsageError(
    `another run with other task arguments goes on in this process; start this one when that has ended, or in a process of its own: ${taskFile}`,
  );

export const eventsNotOpened = (file: string, error: unknown): UsageError =>
  new UsageError(`--events cannot write to ${file}: ${messageOf(error)}; name another file`);

export const eventsLost = (file: string, error: Error): string =>
  `${file} cannot be written any more: ${error.message}; it gets no more events, and the run itself is not affected`;

export const metricsAreOthers = (file: string): UsageError =>
  new UsageError(
    `${file} has something in it that is not metrics of divvy, and is left as it is; remove it yourself, or name another file with --metrics-file`,
  );

export const metricsAreNoFile = (file: string): UsageError =>
  new UsageError(`the metrics cannot be written to ${file}: it is not a file; name one with --metrics-file`);

export const metricsAreOutput = (file: string, stream: string): UsageError =>
  new UsageError(
    `${stream} goes to ${file}, too, and the metrics would overwrite it; give another file with --metrics-file`,
  );

export const metricsNotWritten = (file: string, error: unknown): string =>
  `the metrics cannot be written: ${file}: ${messageOf(error)}; the run itself is not affected, and each later write is tried again`;

export const taskFileNotNamed = (): UsageError =>
  new UsageError('no task file is named; write its path, such as tasks/my-task.ts, or --help for the options');

export const needsJournal = (option: string): UsageError =>
  new UsageError(
    `${option} needs a journal, and it is switched off; leave --no-journal out, or name one with --journal`,
  );

export const notTogether = (one: string, other: string): UsageError =>
  new UsageError(`${one} and ${other} do not go together; choose one of them`);

export const orderedNeedsResults = (ordered: string, results: string): UsageError =>
  new UsageError(`${ordered} needs ${results}: add that, or leave ${ordered} out`);

export const sameFile = (one: string, other: string, file: string): UsageError =>
  new UsageError(`${one} and ${other} name the same file, ${file}; name another for one of them`);

export const cursorIsNone = (number: number, place: unknown): TaskError =>
  new TaskError(
    `cursor returned ${place instanceof Promise ? 'a promise' : inspected(place, { depth: 0, maxStringLength: 60 })} for item ${number}; it must return a string or a finite number`,
  );

export const cursorKinds = (number: number, place: unknown, before: unknown): TaskError =>
  new TaskError(
    `cursor returned ${inspected(place)} for item ${number}, and ${inspected(before)} before; it must return only numbers or only strings`,
  );

/** `isFirst`: it is the first item of a resume. */
export const cursorWentBack = (number: number, place: unknown, before: unknown, isFirst: boolean): TaskError =>
  new TaskError(
    isFirst
      ? `dispatch was asked to go on after ${inspected(before)}, and began with an item at ${inspected(place)}; begin with the first item behind its \`after\``
      : `cursor went back: item ${number} is at ${inspected(place)}, and the item before it at ${inspected(before)}; dispatch must yield the items in the order of their places`,
  );

export const afterNotRead = (place: unknown): TaskError =>
  new TaskError(
    `dispatch has yielded an item without a look at \`after\`, and was to go on after ${inspected(place)}; take it: dispatch({ after })`,
  );

export const keyIsNone = (number: number, key: unknown): TaskError =>
  new TaskError(
    `key returned ${key instanceof Promise ? 'a promise' : inspected(key, { depth: 0, maxStringLength: 60 })} for item ${number}; it must return a string of 1 to 512 bytes`,
  );

export const masterRunsOnce = (): UsageError => new UsageError('a Master runs once; make another for another run');

export const windowsNeedsWsl = (): UsageError =>
  new UsageError(
    'the runtime needs Linux or macOS: on Windows, run this in WSL (https://learn.microsoft.com/windows/wsl)',
  );

export const mustBe = (what: string, must: string, value: unknown): UsageError =>
  new UsageError(`${what} must be ${must}, and is ${inspected(value, { depth: 0 })}`);

export const throttleIsNone = (value: unknown): TypeError =>
  new TypeError(`it must return how many milliseconds to wait (0: don't wait), and returned ${inspected(value)}`);

export const notWholeNumber = (what: string, value: unknown, least: number, most: number): UsageError => {
  const above = Number(value) > most;
  return mustBe(what, above ? `a whole number of at most ${most}` : `a whole number of at least ${least}`, value);
};

export const notAShare = (what: string, value: unknown): UsageError =>
  mustBe(what, 'a whole number of at least 1, or a share such as 5%', value);

export const notARate = (what: string, value: unknown): UsageError =>
  mustBe(what, 'a number of items in a second, minute or hour, such as 100/s, 30/m or 1000/h', value);

export const noSuchOption = (name: string, names: readonly string[]): UsageError =>
  new UsageError(`there is no option ${name}; the options of a Master are ${names.join(', ')}`);

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the name and the message of what was thrown, and of its causes. */
export function nameAndMessage(error: unknown): string {
  const known = toItemError(error);
  return `${known.name}: ${known.message}${reasonsOf(known)}`;
}
