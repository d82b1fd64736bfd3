/**
 * The messages of refusals: about the command line, names and places, and the project. The other rooms have their own
 * errors.ts.
 */

import { type Conflict, whyUnmerged } from '../disk/markers.ts';
import { harmless } from './harmless.ts';
import { didYouMean, quoted, Refusal } from './refusal.ts';

export const unknownFlag = (flag: string, nearest: string | undefined, command: string): Refusal =>
  new Refusal(2, `there is no flag ${quoted(flag)}`, `${didYouMean(nearest)}\`${command} --help\` lists them all.`);

export const flagNotHere = (flag: string, command: string): Refusal =>
  new Refusal(2, `${command} has no flag ${flag}`, `\`${command} --help\` lists its flags.`);

export const flagNeedsValue = (flag: string, placeholder: string): Refusal =>
  new Refusal(2, `${flag} needs a value`, `Write ${flag} ${placeholder}.`);

export const flagTakesNoValue = (flag: string, value: string): Refusal =>
  new Refusal(2, `${flag} takes no value, but was given ${quoted(value)}`, `Write ${flag} alone.`);

export const notAChoice = (flag: string, value: string, choices: readonly string[], nearest?: string): Refusal =>
  new Refusal(2, `${flag} ${quoted(value)} is not known`, `${didYouMean(nearest)}Use one of: ${choices.join(', ')}.`);

export const tooManyArguments = (extra: string, command: string, takes: string): Refusal =>
  new Refusal(2, `${quoted(extra)} is one argument too many`, `\`${command}\` takes ${takes}.`);

export const unknownCommand = (word: string, nearest: string | undefined): Refusal =>
  new Refusal(
    2,
    `${quoted(word)} is neither a command nor a task file`,
    `${didYouMean(nearest)}\`divvy --help\` lists the commands; write a task file with its path, tasks/….ts.`,
  );

export const noCommand = (available: readonly string[]): Refusal =>
  new Refusal(
    2,
    'no command or task file was given',
    `The commands are ${available.join(', ')}; \`divvy --help\` says more. To run a task: divvy tasks/….ts`,
  );

export const noFolderToWorkIn = (folder: string, reason: string): Refusal =>
  new Refusal(2, `--cwd ${quoted(folder)}: ${reason}`, 'Name a folder that exists.');

export const homeOfAnother = (path: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(path)}: ${reason}`, 'Write the whole path. Write a name that begins with ~ as ./~….');

export const folderIsGone = (): Refusal =>
  new Refusal(2, 'the current folder no longer exists', 'Change to another folder, and try again.');

export const systemRefused = (reason: string): Refusal =>
  new Refusal(1, `the system refused: ${reason}`, 'Check the permissions and the free space there, and try again.');

export const outputNotWritten = (reason: string): Refusal =>
  new Refusal(1, `stdout could not be written: ${reason}`, 'The command has done its work: you need not run it again.');

export const npmTookFlags = (flags: readonly string[], commandLine: string): Refusal =>
  new Refusal(
    2,
    `npm took ${flags.join(' ')} for itself: write the flags of this command after \`--\``,
    `Write:\n  ${commandLine}`,
  );

export const missingAnswer = (what: string, flag: string, hasDefault: boolean): Refusal =>
  new Refusal(
    2,
    `${what} is missing, and there is no terminal to ask on`,
    `Add ${flag}.${hasDefault ? ' Or add --yes for the default.' : ''}`,
  );

export const nobodyToAsk = (flag: string): Refusal =>
  new Refusal(2, `${flag} ask needs a terminal to ask on`, `Write ${flag} skip, overwrite or fail.`);

// Names and places

export const badTaskName = (name: string, reason: string, nearest: string, fromFolder: boolean): Refusal =>
  new Refusal(
    2,
    `${quoted(name)} cannot be the name of a task: ${reason}`,
    fromFolder ? `Name the folder ${nearest}, or add --name ${nearest}.` : `Try ${nearest}.`,
  );

export const badFolder = (folder: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(folder)} cannot be the project's folder: ${reason}`, 'Give another folder.');

export const badRuntimeFolder = (folder: string, reason: string): Refusal =>
  new Refusal(
    2,
    `--runtime-dir ${quoted(folder)}: ${reason}`,
    'Give a folder inside the project, such as vendor/divvy.',
  );

export const folderNotEmpty = (folder: string, entries: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${quoted(folder)} is not empty: it has ${entries.slice(0, 3).map(quoted).join(', ')}${entries.length > 3 ? ' and more' : ''}`,
    'Give another folder, or add --force to write beside those files; nothing is overwritten without --on-conflict.',
  );

export const unknownTemplate = (name: string, known: readonly string[], nearest: string | undefined): Refusal =>
  new Refusal(2, `there is no template ${quoted(name)}`, `${didYouMean(nearest)}There are: ${known.join(', ')}.`);

export const unknownHook = (name: string, known: readonly string[], nearest: string | undefined): Refusal =>
  new Refusal(2, `there is no hook ${quoted(name)}`, `${didYouMean(nearest)}There are: ${known.join(', ')}.`);

export const badData = (pair: string): Refusal =>
  new Refusal(2, `--data ${quoted(pair)} is not key=value`, 'Write --data key=value, once for each answer.');

export const badDataFile = (file: string, reason: string): Refusal =>
  new Refusal(2, `--data-file ${quoted(file)}: ${reason}`, 'It must be a JSON file with one object of answers.');

export const unknownAnswer = (key: string, template: string, asked: readonly string[]): Refusal =>
  new Refusal(
    2,
    `the template ${template} does not ask for ${quoted(key)}`,
    asked.length === 0 ? 'It asks for nothing: leave out --data and --data-file.' : `It asks for: ${asked.join(', ')}.`,
  );

export const badAnswer = (name: string, value: string, reason: string): Refusal =>
  new Refusal(2, `--data ${name}=${quoted(value)}: ${harmless(reason)}`, 'Give another answer.');

interface Place {
  /** Set where the place is in another file. */
  readonly fileName?: string;
  readonly line: number;
  readonly reason: string;
  readonly remedy: string;
}

/** Lists each reason with its place, and each remedy once. */
export const hookRefused = (file: string, places: readonly Place[]): Refusal =>
  new Refusal(
    3,
    places.map(({ fileName, line, reason }) => `${harmless(fileName ?? file)}:${line}: ${harmless(reason)}`).join('\n'),
    [...new Set(places.map(({ remedy }) => remedy))].join('\n'),
  );

export const noPart = (
  command: string,
  word: string | undefined,
  nearest: string | undefined,
  parts: string,
): Refusal =>
  new Refusal(
    2,
    word === undefined ? `\`${command}\` needs a subcommand` : `\`${command}\` does not know ${quoted(word)}`,
    `${didYouMean(nearest)}Write ${parts}.`,
  );

export const noSubcommand = (command: string, word: string | undefined, nearest: string | undefined): Refusal =>
  noPart(command, word, nearest, `\`${command} add <hook…>\` or \`${command} remove <hook…>\``);

export const notAKind = (
  command: string,
  given: string | undefined,
  kinds: readonly string[],
  nearest: string | undefined,
): Refusal =>
  new Refusal(
    2,
    given === undefined ? `\`${command}\` is not complete` : `\`${command}\` does not know ${quoted(given)}`,
    `${didYouMean(nearest)}Write ${kinds.map((kind) => `\`${command} ${kind}\``).join(' or ')}.`,
  );

export const noEngine = (folder: string, add: string): Refusal =>
  new Refusal(2, `the project in ${quoted(folder)} has no engine, so its runs stay on one machine`, `Add one: ${add}`);

export const whichEngine = (named: string | undefined, engines: readonly string[]): Refusal =>
  named === undefined
    ? new Refusal(2, 'there are several engines', `Name one of them: --engine ${engines.join(' or --engine ')}`)
    : notAChoice('--engine', named, engines);

export const queueOfWhat = (command: string): Refusal =>
  new Refusal(2, '--engine shows the queue of one task, and none is named', `Write \`${command} <task> --engine\`.`);

export const journalOfWhat = (command: string): Refusal =>
  new Refusal(2, '--journal is that of one task, and none is named', `Write \`${command} <task> --journal FILE\`.`);

export const queueOfNoRun = (words: readonly string[]): Refusal =>
  new Refusal(2, `--engine shows the queue of a task, and ${quoted(words.join(' '))} names a run`, 'Leave it out.');

export const noHooksNamed = (command: string, known: readonly string[]): Refusal =>
  new Refusal(2, 'no hook is named', `Write \`${command} <hook…>\`, with one or several of: ${known.join(', ')}.`);

export const noSuchShell = (command: string, given: string, known: readonly string[]): Refusal =>
  given === ''
    ? new Refusal(2, 'no shell is named', `Write \`${command} SHELL\`, with one of: ${known.join(', ')}.`)
    : new Refusal(2, `there are no completions for ${quoted(given)}`, `There are for: ${known.join(', ')}.`);

// The project that is here

export const noProject = (from: string): Refusal =>
  new Refusal(
    2,
    `there is no divvy.json in ${quoted(from)} or above it`,
    'Change to a project of divvy, name it with --cwd, or make one: npm create divvy-task.',
  );

export const badManifest = (file: string, reason: string): Refusal =>
  new Refusal(2, `${file}: ${reason}`, 'Fix it by hand; its $schema says what it can contain.');

export const noRunner = (file: string): Refusal =>
  new Refusal(
    2,
    `the runtime is not where divvy.json says: ${quoted(file)} is missing`,
    'Correct "runtime" in divvy.json, or restore the folder.',
  );

export const noTask = (name: string, tasks: readonly string[], nearest: string | undefined): Refusal =>
  new Refusal(
    2,
    name === '' ? 'no task is named' : `there is no task ${quoted(name)}`,
    `${didYouMean(nearest)}${tasks.length === 0 ? 'There are none here.' : `There are: ${tasks.join(', ')}.`}`,
  );

export const taskNotNamed = (tasks: readonly string[]): Refusal =>
  tasks.length === 0
    ? new Refusal(2, 'there are no tasks here', 'Add one with: divvy add <task>')
    : new Refusal(2, 'there are several tasks', `Name one of them: ${tasks.join(', ')}.`);

export const valueNotNamed = (command: string, value: string): Refusal =>
  new Refusal(
    2,
    `${value} is missing`,
    `Write it before the task: divvy ${command} ${command === 'cancel' ? 'KEY' : 'N'} <task>`,
  );

export const runRefuses = (file: string, reason: string, byHand: string): Refusal =>
  new Refusal(1, reason.replace(/^divvy: /gm, ''), `How the runs of ${harmless(file)} stand:\n  ${byHand}`);

export const whichTask = (tasks: readonly string[]): Refusal =>
  new Refusal(2, 'there are several tasks', `Add --task, with one of: ${tasks.join(', ')}.`);

export const taskOutside = (file: string, project: string): Refusal =>
  new Refusal(
    3,
    `${quoted(file)} is outside the project ${quoted(project)}`,
    'Go into the project that it is in, or name that with --cwd.',
  );

export const notUtf8 = (file: string): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: this is not UTF-8, and could not be edited without changing other bytes`,
    'Save it as UTF-8 first.',
  );

export const noContract = (file: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: ${reason}`,
    'divvy reads the hooks from it. Restore it: it is a file of the runtime.',
  );

export const badLock = (file: string, reason: string, line?: number): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}${line === undefined ? '' : `:${line}`}: divvy cannot read its lock: ${harmless(reason)}`,
    'Restore it, from git for example. Or remove it: divvy then knows less about what it wrote.',
  );

/** Each task is one line, so keeping both lines merges two branches that each added a task. */
export const unmergedLock = (file: string, conflicts: readonly Conflict[]): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:${conflicts[0]?.from ?? 1}: ${whyUnmerged(conflicts)}`,
    'Keep the lines of both sides: delete the lines that begin with <<<<<<<, ======= and >>>>>>>, and any lines between ||||||| and =======. ' +
      'If a name is then there twice, keep the line of the side whose files you keep. Then try again.',
  );

export const unmergedManifest = (file: string, conflicts: readonly Conflict[]): Refusal =>
  new Refusal(
    2,
    `${harmless(file)}: ${whyUnmerged(conflicts)}`,
    'Keep the side that names the folders you have, and delete the other with the lines that begin with <<<<<<<, ======= and >>>>>>>.',
  );

export const runsUnknown = (file: string, reason: string, byHand: string): Refusal =>
  new Refusal(
    1,
    `the runtime can't tell about the runs of ${file}: ${reason}`,
    `Ask the runtime by hand:\n  ${byHand}`,
  );

// After the write

export const afterWriteFailed = (
  made: 'project' | 'task' | 'part',
  { what, reason, commandLine }: { readonly what: string; readonly reason: string; readonly commandLine: string },
): Refusal => new Refusal(1, `the ${made} is there, but ${what} failed: ${reason}`, `Do it by hand:\n  ${commandLine}`);

export const cancelled = (): Refusal => new Refusal(1, 'cancelled: nothing was written', '');
