/**
 * Everything that the generator refuses, in one place: what is wrong, with the value, and what to do next.
 *
 * A Refusal is for people: it is shown without a stack. Any other error that reaches the command is a bug of ours.
 */

import { basename } from 'node:path';
import { type Conflict, whyUnmerged } from '../disk/markers.ts';
import { harmless } from './harmless.ts';

/** The exit codes that a refusal may have; contract: 1 failed or cancelled, 2 usage, 3 conflicts, 4 needs trust, 5 a dirty tree. */
export type RefusalCode = 1 | 2 | 3 | 4 | 5;

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly exitCode: RefusalCode;
  /** What to do next; one line or several. */
  readonly remedy: string;

  constructor(exitCode: RefusalCode, message: string, remedy: string) {
    super(message);
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/**
 * A value as it is shown: in double quotes, with every character escaped that could move a cursor, change a colour or
 * reorder the line.
 */
const quoted = (value: string): string => harmless(JSON.stringify(value));

const didYouMean = (nearest: string | undefined): string => (nearest === undefined ? '' : `Did you mean ${nearest}? `);
const lines = (paths: readonly string[]): string => paths.map((path) => `\n  ${harmless(path)}`).join('');

// Usage

export const unknownFlag = (flag: string, nearest: string | undefined, command: string): Refusal =>
  new Refusal(2, `there is no flag ${quoted(flag)}`, `${didYouMean(nearest)}\`${command} --help\` lists them all.`);

export const flagNotHere = (flag: string, command: string): Refusal =>
  new Refusal(2, `${flag} means nothing to ${command}`, `\`${command} --help\` lists its flags.`);

export const flagNeedsValue = (flag: string, placeholder: string): Refusal =>
  new Refusal(2, `${flag} needs a value`, `Write ${flag} ${placeholder}.`);

export const flagTakesNoValue = (flag: string, value: string): Refusal =>
  new Refusal(2, `${flag} takes no value, and was given ${quoted(value)}`, `Write ${flag} alone.`);

export const notAChoice = (flag: string, value: string, choices: readonly string[], nearest?: string): Refusal =>
  new Refusal(2, `${flag} ${quoted(value)} is not known`, `${didYouMean(nearest)}It is one of: ${choices.join(', ')}.`);

export const tooManyArguments = (extra: string, command: string, takes: string): Refusal =>
  new Refusal(2, `${quoted(extra)} is one argument too many`, `\`${command}\` takes ${takes}.`);

export const unknownCommand = (word: string, nearest: string | undefined): Refusal =>
  new Refusal(
    2,
    `${quoted(word)} is neither a command nor a task file`,
    `${didYouMean(nearest)}\`divvy --help\` lists the commands; a task file is written with its path, tasks/….ts.`,
  );

export const noCommand = (available: readonly string[]): Refusal =>
  new Refusal(
    2,
    'no command and no task file is given',
    `The commands are ${available.join(', ')}; \`divvy --help\` says more. To run a task: divvy tasks/….ts`,
  );

export const notThereYet = (command: string, version: string): Refusal =>
  new Refusal(2, `\`${command}\` is not there yet in version ${version}`, '`divvy --help` lists what is.');

export const noFolderToWorkIn = (folder: string, reason: string): Refusal =>
  new Refusal(2, `--cwd ${quoted(folder)}: ${reason}`, 'Name a folder that is there.');

export const homeOfAnother = (path: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(path)}: ${reason}`, 'Write the whole path; a name that begins with ~ is written ./~….');

export const folderIsGone = (): Refusal =>
  new Refusal(2, 'the folder that this was started in is no longer there', 'Go to one that is, and try again.');

export const systemRefused = (reason: string): Refusal =>
  new Refusal(1, `the system refused something: ${reason}`, 'See who may read and write there, and try again.');

export const outputNotWritten = (reason: string): Refusal =>
  new Refusal(1, `what there was to say could not be written to stdout: ${reason}`, 'What the command does was done.');

export const npmTookFlags = (flags: readonly string[], commandLine: string): Refusal =>
  new Refusal(
    2,
    `npm kept ${flags.join(' ')} to itself: flags reach this command only behind \`--\``,
    `Write:\n  ${commandLine}`,
  );

export const missingAnswer = (what: string, flag: string, hasDefault: boolean): Refusal =>
  new Refusal(
    2,
    `${what} is not given, and nobody can be asked here`,
    `Give it: ${flag}.${hasDefault ? ' Or add --yes for the default.' : ''}`,
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
    'Give another folder, or --force to write beside what is there; nothing is overwritten without --on-conflict.',
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
    asked.length === 0
      ? 'It asks for nothing: leave --data and --data-file away.'
      : `It asks for: ${asked.join(', ')}.`,
  );

export const badAnswer = (name: string, value: string, reason: string): Refusal =>
  new Refusal(2, `--data ${name}=${quoted(value)}: ${harmless(reason)}`, 'Give another answer.');

interface Place {
  /** Where it is another file. */
  readonly fileName?: string;
  readonly line: number;
  readonly reason: string;
  readonly remedy: string;
}

/** Each reason with its place; each remedy once. */
export const hookRefused = (file: string, places: readonly Place[]): Refusal =>
  new Refusal(
    3,
    places.map(({ fileName, line, reason }) => `${harmless(fileName ?? file)}:${line}: ${harmless(reason)}`).join('\n'),
    [...new Set(places.map(({ remedy }) => remedy))].join('\n'),
  );

const noPart = (command: string, word: string | undefined, nearest: string | undefined, parts: string): Refusal =>
  new Refusal(
    2,
    word === undefined ? `\`${command}\` needs to be told what to do` : `\`${command}\` does not know ${quoted(word)}`,
    `${didYouMean(nearest)}Write ${parts}.`,
  );

export const noSubcommand = (command: string, word: string | undefined, nearest: string | undefined): Refusal =>
  noPart(command, word, nearest, `\`${command} add <hook…>\` or \`${command} remove <hook…>\``);

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
    'Go into a project that divvy made, name it with --cwd, or make one: npm create divvy-task.',
  );

export const badManifest = (file: string, reason: string): Refusal =>
  new Refusal(2, `${file}: ${reason}`, 'Put it right by hand; its $schema says what it may hold.');

export const noRunner = (file: string): Refusal =>
  new Refusal(
    2,
    `the runtime is not where divvy.json says: ${quoted(file)} is missing`,
    'Put "runtime" in divvy.json right, or bring the folder back.',
  );

export const noTask = (name: string, tasks: readonly string[], nearest: string | undefined): Refusal =>
  new Refusal(
    2,
    name === '' ? 'no task is named' : `there is no task ${quoted(name)}`,
    `${didYouMean(nearest)}${tasks.length === 0 ? 'There are none here.' : `There are: ${tasks.join(', ')}.`}`,
  );

export const whichTask = (tasks: readonly string[]): Refusal =>
  new Refusal(2, 'there are several tasks, and none is named', `Add --task, with one of: ${tasks.join(', ')}.`);

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
    "It says which hooks there are. Bring it back: it is one of the runtime's own files.",
  );

export const badLock = (file: string, reason: string, line?: number): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}${line === undefined ? '' : `:${line}`}: divvy cannot read its lock: ${harmless(reason)}`,
    'Bring it back as it was, from git for example; or remove it: then less is known of what divvy has written.',
  );

/** Each task is one line: who keeps both lines has merged two branches that each added one. */
export const unmergedLock = (file: string, conflicts: readonly Conflict[]): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:${conflicts[0]?.from ?? 1}: ${whyUnmerged(conflicts)}`,
    'Keep the lines of both sides: delete the lines that begin with <<<<<<<, ======= and >>>>>>>, and what is between ||||||| and ======= ' +
      'where there is that, too. Of a name that is then there twice, keep the line of the side whose files you keep. Then try again.',
  );

export const unmergedManifest = (file: string, conflicts: readonly Conflict[]): Refusal =>
  new Refusal(
    2,
    `${harmless(file)}: ${whyUnmerged(conflicts)}`,
    'Keep the side that names the folders you have, and delete the other with the lines that begin with <<<<<<<, ======= and >>>>>>>.',
  );

export const lastRunUnknown = (file: string, reason: string, byHand: string): Refusal =>
  new Refusal(
    1,
    `how the last run of ${file} stands cannot be told: ${reason}`,
    `Ask the runtime by hand:\n  ${byHand}`,
  );

// Another package, that was there before

export const notHere = (folder: string, reason: string, remedy: string): Refusal =>
  new Refusal(3, `${quoted(folder)}: ${reason}`, remedy);

export const whichPackage = (root: string, packages: readonly string[]): Refusal =>
  new Refusal(
    2,
    `${quoted(root)} is the root of a workspace, and no package of it is named`,
    `Name one with --cwd: ${packages.map(quoted).join(', ')}. For the root itself: --cwd ${root}`,
  );

export const twoLockFiles = (files: readonly string[], managers: readonly string[]): Refusal =>
  new Refusal(
    2,
    `there are lock files of several package managers: ${files.join(', ')}`,
    `Say which one is in use: --pm ${managers.join(', or --pm ')}.`,
  );

export const hostFileRefused = (file: string, reason: string, line = 1): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:${line}: ${harmless(reason)}`,
    'Nothing was changed. Put that right by hand, and try again.',
  );

export const divvyTaken = (file: string, line: number, value: string, wanted: string): Refusal =>
  new Refusal(
    3,
    `${file}:${line}: imports has a "#divvy" already, and it is ${harmless(value)}`,
    `Tasks import their runtime by that name, which has to be ${quoted(wanted)}. Give yours another name first.`,
  );

export const excludeByHand = (file: string, reason: string, elements: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: it would take divvy's folders into its check, and ${reason}`,
    `Nothing was changed. Have ${harmless(file)} say this, and try again:\n  "exclude": [${elements.map(quoted).join(', ')}]`,
  );

export const noPlaceForTasks = (reasons: readonly (readonly [folder: string, reason: string])[]): Refusal =>
  new Refusal(
    3,
    `there is no folder for tasks:${lines(reasons.map(([folder, reason]) => `${folder}: ${reason}`))}`,
    `Make a divvy.json that names one: { "tasks": "jobs", "tests": "jobs", "runtime": "vendor/divvy" }`,
  );

export const noPlaceForRuntime = (folder: string, reason: string): Refusal =>
  new Refusal(
    2,
    `the runtime cannot be in ${quoted(folder)}: ${reason}`,
    'Name another folder, such as --runtime-dir third-party/divvy.',
  );

export const runtimeElsewhere = (given: string, runtime: string): Refusal =>
  new Refusal(
    2,
    `--runtime-dir ${quoted(given)}: the runtime is in ${quoted(runtime)} here already`,
    'Leave --runtime-dir away.',
  );

export const noTaskNamed = (command: string): Refusal =>
  new Refusal(2, 'no task is named', `Write \`${command} <task>\`, with a name such as nightly-backfill.`);

export const notOursToRemove = (path: string): Refusal =>
  new Refusal(
    3,
    `${quoted(path)} is not removed: divvy did not write it`,
    'Remove it by hand; or add --force, and it is kept in .divvy/last for `divvy undo`.',
  );

type Kept = readonly { readonly path: string; readonly reason: string }[];

const leftAsIs = (kept: Kept, remedy: string): Refusal =>
  new Refusal(
    3,
    `left as ${kept.length === 1 ? 'it is' : 'they are'}:${lines(kept.map(({ path, reason }) => `${path}: ${reason}`))}`,
    remedy,
  );

export const leftBehind = (kept: Kept): Refusal => leftAsIs(kept, 'Remove by hand what you do not want.');

// Writing

export const unsafePath = (path: string, reason: string): Refusal =>
  new Refusal(3, `${quoted(path)} is not written: ${reason}`, 'Nothing was changed. Put that right, and try again.');

export const changedMeanwhile = (path: string): Refusal => unsafePath(path, 'it was changed while this command ran');

export const conflicts = (paths: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file exists and differs' : `${paths.length} files exist and differ`}:${lines(paths)}`,
    'Nothing was changed. --diff shows how they differ; --on-conflict skip keeps yours, --on-conflict overwrite takes the new.',
  );

export const dirtyFiles = (paths: readonly string[]): Refusal =>
  new Refusal(
    5,
    `these would be changed, and have changes of yours that git does not have yet:${lines(paths)}`,
    'Nothing was changed. Commit them, or add --allow-dirty.',
  );

export const gitCannotTell = (paths: readonly string[], reason: string): Refusal =>
  new Refusal(
    5,
    `git cannot tell whether it has all of what would be changed (${harmless(reason)}):${lines(paths)}`,
    'Nothing was changed. Put that right, or add --allow-dirty.',
  );

export const writeFailed = (path: string, reason: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be written: ${reason}`,
    'Everything is as it was before. Put that right, and try again.',
  );

export const rollBackFailed = (path: string, reason: string, record: string): Refusal =>
  new Refusal(
    1,
    `${quoted(path)} could not be put back: ${reason}`,
    `Put that right, and run any divvy command here: it goes on from the record in ${record}.`,
  );

export const recoveryFailed = (reason: string, home: string): Refusal =>
  new Refusal(
    1,
    `what a command that was cut short has left here could not be put right: ${reason}`,
    `Put that right, and run any divvy command here: it goes on from what is in ${home}.`,
  );

export const otherCommandAtWork = (pid: number, record: string): Refusal =>
  new Refusal(
    1,
    `another divvy command is writing here: process ${pid}`,
    `Wait for it. If that process is no divvy command, remove ${record}/pid and try again.`,
  );

export const badRecord = (record: string, reason: string): Refusal =>
  new Refusal(
    1,
    `the record of what a command wrote here cannot be used: ${quoted(record)}: ${harmless(reason)}`,
    'Look at the files that it names, put right what is not, and remove that folder.',
  );

export const recordInGit = (home: string): Refusal =>
  new Refusal(
    3,
    `${quoted(home)} is in git: it came with the repository, and what it says a command wrote here no command here has written`,
    'Nothing was changed. Look who committed it and why; then take it out: git rm -r --cached .divvy, and remove the folder.',
  );

export const cancelled = (): Refusal => new Refusal(1, 'cancelled: nothing was written', '');

// Plans, and what is taken back

export const planThere = (file: string): Refusal =>
  new Refusal(3, `${quoted(file)} is there already`, 'Give another name for the plan, or remove that file.');

export const planNotWritten = (file: string, reason: string): Refusal =>
  new Refusal(1, `the plan ${quoted(file)} could not be written: ${reason}`, 'Nothing was changed. Give another name.');

export const noPlanNamed = (command: string): Refusal =>
  new Refusal(2, 'no plan is named', `Write \`${command} FILE\`, with a file that --plan has written.`);

export const badPlan = (file: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(file)} is no plan that can be used: ${harmless(reason)}`, 'Make it again, with --plan.');

export const planOutdated = (paths: readonly string[]): Refusal =>
  new Refusal(
    3,
    `${paths.length === 1 ? 'a file is' : `${paths.length} files are`} no longer as the plan found ${paths.length === 1 ? 'it' : 'them'}:${lines(paths)}`,
    'Nothing was changed. Make the plan again.',
  );

export const keptFiles = (kept: Kept): Refusal =>
  leftAsIs(kept, 'Put that back by hand; `divvy undo` then takes back the rest.');

// Templates from elsewhere

export const badSource = (shown: string, reason: string): Refusal =>
  new Refusal(
    2,
    `${quoted(shown)} is no source of templates: ${harmless(reason)}`,
    'Write a folder (./templates), github:owner/repository, git+https://…, git+ssh://…, git+file:///… or another address that ' +
      'git takes, npm:name@version, or a .tgz by its path or its https://… address; behind a #, the folder in it.',
  );

export const badRef = (ref: string, reason: string): Refusal =>
  new Refusal(2, `--ref ${quoted(ref)}: ${reason}`, 'Give a branch, a tag, or a whole commit id, of a source in git.');

export const sourceNotFetched = (shown: string, reason: string, remedy: string): Refusal =>
  new Refusal(1, `${quoted(shown)} could not be fetched: ${harmless(reason)}`, remedy);

export const otherRegistry = (
  shown: string,
  ignored: { readonly [name in 'file' | 'key' | 'registry' | 'says']: string } & { readonly line: number },
  registry: string,
): Refusal =>
  sourceNotFetched(
    shown,
    `${ignored.file}:${ignored.line} says ${ignored.says}. A project's ${basename(ignored.file)} is not read for templates, ` +
      `so ${registry} would be asked, where anybody may have taken the name`,
    `Nothing was asked. If you trust that line, make it your own: npm config set ${ignored.key}=${ignored.registry} --location=user`,
  );

export const nothingWithin = (shown: string, within: string, isGit: boolean): Refusal =>
  new Refusal(
    2,
    `${quoted(shown)} has no folder ${quoted(within)}`,
    `Behind the # is a folder of the source.${isGit ? ' A branch, a tag or a commit is given with --ref.' : ''}`,
  );

export const unsafeSource = (shown: string, path: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is refused, for ${quoted(path)}: ${harmless(reason)}`,
    'Nothing of it is used. Tell its author.',
  );

export const sourceTooLarge = (
  shown: string,
  reason: string,
  remedy = 'Templates are small. Nothing of it is used.',
): Refusal => new Refusal(3, `${quoted(shown)} is refused: ${harmless(reason)}`, remedy);

export const brokenArchive = (shown: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is not an archive that can be read: ${harmless(reason)}`,
    'It must be a .tgz, as `npm pack` and `tar czf` make them.',
  );

export const sourceMoved = (shown: string, expected: string, resolved: string): Refusal =>
  new Refusal(
    3,
    `${quoted(shown)} is no longer what it was: it was ${expected}, and is ${resolved}`,
    'Nothing of it is used. Ask its author; or use it anew, as another version.',
  );

export const badTemplate = (shown: string, file: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${quoted(file)} in ${quoted(shown)} cannot be used: ${harmless(reason)}`,
    'Tell its author: `divvy template check` says the same.',
  );

export const noTemplateIn = (
  shown: string,
  name: string | undefined,
  there: readonly string[],
  nearest: string | undefined,
): Refusal =>
  new Refusal(
    2,
    name === undefined
      ? `${quoted(shown)} has no template: no folder in it has a divvy.template.json`
      : `${quoted(shown)} has no template ${quoted(name)}`,
    there.length === 0 ? 'Give another source.' : `${didYouMean(nearest)}There are: ${there.map(harmless).join(', ')}.`,
  );

export const whichTemplate = (shown: string, there: readonly string[]): Refusal =>
  new Refusal(
    2,
    `${quoted(shown)} has several templates, and it is not said which`,
    `Name the folder of one behind a #:${lines(there)}`,
  );

export const needsTrust = (template: string, source: string, resolved: string, asked: readonly string[]): Refusal =>
  new Refusal(
    4,
    `the template ${template}, from ${quoted(source)} at ${resolved}, wants to:${lines(asked)}`,
    'Read it, and if you trust it, add --trust: that is remembered for what it is now.',
  );

export const tooOldForTemplate = (template: string, what: string, range: string, has: string): Refusal =>
  new Refusal(
    2,
    `the template ${template} needs ${what === 'divvy' ? 'create-divvy-task' : 'Node.js'} ${harmless(range)}, and this is ${has}`,
    what === 'divvy' ? 'Use that version: npx create-divvy-task@latest …' : 'Use that Node.js.',
  );

export const templateFileRefused = (template: string, path: string, reason: string): Refusal =>
  new Refusal(
    3,
    `the template ${harmless(template)} may not write ${quoted(path)}: ${reason}`,
    'Nothing was changed. Tell its author: `divvy template check` says the same.',
  );

export const templateNotRendered = (path: string, line: number, reason: string): Refusal =>
  new Refusal(
    3,
    `${harmless(path)}:${line}: ${harmless(reason)}`,
    "Nothing was changed. Give another answer, or tell the template's author.",
  );

export const noTemplateCommand = (command: string, word: string | undefined, nearest: string | undefined): Refusal =>
  noPart(
    command,
    word,
    nearest,
    `\`${command} list\`, \`${command} new <name>\`, \`${command} check [folder]\` or \`${command} test [folder]\``,
  );

export const noNameForTemplate = (command: string): Refusal =>
  new Refusal(2, 'the new template has no name', `Write \`${command} <name>\`, such as ${command} team-backfill.`);

export const badTemplateName = (name: string, reason: string): Refusal =>
  new Refusal(2, `${quoted(name)} cannot be the name of a template: ${reason}`, 'Try another, such as team-backfill.');

export const badCase = (file: string, reason: string): Refusal =>
  new Refusal(
    3,
    `${harmless(file)}:1: ${harmless(reason)}`,
    'A set of answers is { "answers": { "prompt": "…" }, "hooks": ["…"] }; `divvy template check` tells all faults.',
  );

export const nothingToTestWith = (packages: readonly string[], reason: string): Refusal =>
  new Refusal(
    1,
    `nothing was tested: ${packages.join(', ')} are not installed above the template, and npm could not install them: ${reason}`,
    'Install them beside the template: npm install --save-dev typescript @types/node.',
  );

// After the write

export const afterWriteFailed = (
  made: 'project' | 'task',
  { what, reason, commandLine }: { readonly what: string; readonly reason: string; readonly commandLine: string },
): Refusal => new Refusal(1, `the ${made} is there, but ${what} failed: ${reason}`, `Do it by hand:\n  ${commandLine}`);
