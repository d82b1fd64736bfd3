/**
 * Every flag of the generator, once. The parser, the validation, the questions on a terminal and the help all use this
 * table.
 */

import { parseArgs } from 'node:util';
import { flagNeedsValue, flagNotHere, flagTakesNoValue, notAChoice, tooManyArguments, unknownFlag } from './errors.ts';
import { withHome } from './home.ts';
import { nearest } from './nearest.ts';
import type { Refusal } from './refusal.ts';

interface FlagEntry {
  /** One line of help. */
  readonly help: string;
  /** Other help text for a command where the flag means something else. */
  readonly helpIn?: Readonly<Record<string, string>>;
  readonly short?: string;
  /** The placeholder for the value in the help; a flag without one is a switch. */
  readonly value?: string;
  readonly many?: true;
  /** `both`: the switch also has a `--no-` form; `only`: it has no other form. */
  readonly negation?: 'both' | 'only';
  /** The commands for which it may stand without its value, which is then empty. */
  readonly optionalIn?: readonly string[];
  readonly choices?: readonly string[];
  /** The question to ask on a terminal when the flag is not given. */
  readonly question?: string;
  /** The commands that take the flag; without this, every command does. */
  readonly commands?: readonly string[];
}

/** The commands that make a task. */
const MAKE = ['create', 'add'];
/** The commands that write. */
const WRITE = [...MAKE, 'remove', 'hook', 'apply', 'undo', 'upgrade', 'eject'];
/** The commands that compare, and write nothing. */
const LOOK = ['doctor', 'diff'];

/** The commands that ask something of a run that goes on. */
const CONTROL = ['pause', 'continue', 'workers', 'cancel', 'stop'];

const YES_MAKES = 'defaults for what is unanswered; never overwrites';

export const flags = {
  yes: {
    short: 'y',
    help: 'never ask, as --no-input',
    helpIn: { create: YES_MAKES, add: YES_MAKES },
  },
  input: { negation: 'only', help: 'never ask; a missing answer is an error' },
  template: {
    short: 't',
    value: 'NAME',
    help: 'the template: a name (see divvy list), or a source',
    helpIn: { upgrade: "renew tasks from their team's template: all, or those of this one" },
    optionalIn: ['upgrade'],
    question: 'What should the task begin from?',
    commands: [...MAKE, 'upgrade'],
  },
  ref: {
    value: 'REF',
    help: "a branch, a tag or a commit of the template's source in git",
    commands: [...MAKE, 'upgrade'],
  },
  trust: {
    help: 'let a template from elsewhere do what it asks for, and remember it',
    commands: [...MAKE, 'upgrade'],
  },
  name: {
    value: 'NAME',
    help: "the task's name, where it is not the folder's",
    question: 'What should the task be called?',
    commands: ['create'],
  },
  hooks: {
    value: 'A,B',
    help: 'hooks to have in the task, such as beforeRun,afterFork',
    question: 'Which hooks should be in the task? (none is fine)',
    commands: MAKE,
  },
  data: {
    short: 'd',
    value: 'K=V',
    many: true,
    help: "an answer to the template's own question",
    commands: [...MAKE, 'upgrade'],
  },
  'data-file': { value: 'FILE', help: 'those answers, as a JSON file', commands: [...MAKE, 'upgrade'] },
  'runtime-dir': { value: 'DIR', help: 'where the runtime is put; vendor/divvy', commands: MAKE },
  task: { value: 'TASK', help: 'the task, by name or path, where there are several', commands: ['hook'] },
  'dry-run': {
    help: 'list what would be written, and write nothing',
    helpIn: { template: 'new: list what would be written, and write nothing' },
    commands: [...WRITE, 'template'],
  },
  diff: {
    help: 'show it line by line, and write nothing',
    helpIn: { template: 'new: show it line by line, and write nothing' },
    commands: [...WRITE, 'template'],
  },
  plan: {
    value: 'FILE',
    help: 'write a plan for `divvy apply`, and nothing else',
    commands: [...MAKE, 'remove', 'hook', 'undo', 'upgrade', 'eject'],
  },
  to: { value: 'RELEASE', help: 'the release to go to; by default that of this divvy', commands: ['upgrade'] },
  check: { help: 'only say whether there is a newer release: exit code 10 if there is', commands: ['upgrade'] },
  continue: { help: 'go on, once the conflicts are resolved', commands: ['upgrade'] },
  abort: { help: 'forget an upgrade that waits; nothing of the project was changed', commands: ['upgrade'] },
  verify: {
    negation: 'only',
    help: 'do not try the merged runtime first; divvy doctor reminds of it',
    commands: ['upgrade'],
  },
  upstream: { help: 'what the newest release changed, instead of what you changed', commands: ['diff'] },
  both: { help: 'who changed how much of each file, and whether it merges', commands: ['diff'] },
  ci: { help: 'for a workflow: what you edited counts as right', commands: ['doctor'] },
  online: { help: 'ask npm too for newer releases and known faults', commands: ['doctor'] },
  force: {
    short: 'f',
    help: 'write into a folder that is not empty',
    helpIn: {
      hook: 'remove hooks too that were changed since, or that divvy did not add',
      remove: 'remove files too that were edited since',
      report: 'replace a file that is no report',
    },
    commands: ['create', 'hook', 'remove', 'report'],
  },
  'on-conflict': {
    value: 'HOW',
    choices: ['ask', 'skip', 'overwrite', 'fail'],
    help: 'a file that exists and differs: ask, skip, overwrite or fail',
    commands: MAKE,
  },
  'allow-dirty': {
    help: 'change files that have uncommitted changes',
    commands: [...MAKE, 'remove', 'hook', 'apply', 'upgrade', 'eject'],
  },
  git: { negation: 'both', help: 'git init, by default where no repository is yet', commands: ['create'] },
  install: { negation: 'both', help: 'install packages, by default only where the task needs one', commands: MAKE },
  pm: {
    value: 'PM',
    choices: ['npm', 'pnpm', 'yarn', 'bun'],
    help: 'npm, pnpm, yarn or bun; by default the one that is in use',
    commands: MAKE,
  },
  out: {
    short: 'o',
    value: 'FILE',
    help: 'the file to write, or - for stdout; by default <task>-<run id>.html here',
    commands: ['report'],
  },
  journal: {
    value: 'FILE',
    help: 'the journal of the run, if it is not in its usual place',
    commands: ['report', 'status', 'failures', 'runs', ...CONTROL],
  },
  live: { help: 'serve the page on this machine while the run goes on, then write it', commands: ['report'] },
  open: { help: 'open it in the browser', commands: ['report'] },
  engine: {
    value: 'NAME',
    help: "how the task's queue stands; NAME is needed only if there are several engines",
    optionalIn: ['status'],
    commands: ['status'],
  },
  now: { help: 'do not wait for the items in progress: they will be unfinished', commands: ['stop'] },
  cwd: {
    short: 'C',
    value: 'DIR',
    help: 'work in this folder instead of the current one',
    helpIn: { add: 'the package to work in; by default the one that is here' },
  },
  json: {
    help: 'one JSON object on stdout; text goes to stderr',
    commands: [...WRITE, ...LOOK, 'list', 'status', 'runs', 'failures', 'report', ...CONTROL, 'template'],
  },
  quiet: { short: 'q', help: 'say nothing but errors' },
  verbose: { help: 'say more: every file' },
  color: { negation: 'only', help: 'no colours; NO_COLOR and TERM=dumb mean the same' },
  help: { short: 'h', help: 'this text' },
  version: { help: 'the version' },
} as const satisfies Record<string, FlagEntry>;

export type FlagName = keyof typeof flags;
type Entry<Name extends FlagName> = (typeof flags)[Name];

/** The flags given on the command line; the others are undefined. */
export type FlagValues = {
  -readonly [Name in FlagName]?: Entry<Name> extends { many: true }
    ? string[]
    : Entry<Name> extends { choices: readonly (infer Choice)[] }
      ? Choice
      : Entry<Name> extends { value: string }
        ? string
        : boolean;
};

export interface Parsed {
  readonly values: FlagValues;
  readonly words: readonly string[];
}

/** What the parser needs to know about a command. */
export interface Takes {
  /** The command as it was called, such as `divvy create`. */
  readonly shown: string;
  readonly name: string;
  /** How many words the command takes at most; `what` describes them in the message about one too many. */
  readonly words: { readonly most: number; readonly what: string };
}

/** Typed as the table's general shape, for code that walks over all flags alike. */
const entries: Readonly<Record<string, FlagEntry>> = flags;

/** Whether a flag names a folder or a file. */
const isPath = ({ value }: FlagEntry): boolean => value === 'DIR' || value === 'FILE';

/** The flag as messages and the help write it. */
export const written = (name: FlagName): string => (flagEntry(name).negation === 'only' ? `--no-${name}` : `--${name}`);

export const flagEntry = (name: string): FlagEntry => {
  const entry = entries[name];
  if (entry === undefined) throw new TypeError(`no entry for the flag ${name}`);
  return entry;
};

export const flagNames = (command: string): FlagName[] =>
  (Object.keys(flags) as FlagName[]).filter((name) => flagEntry(name).commands?.includes(command) ?? true);

/**
 * Reads a command line.
 *
 * Throws a Refusal with exit code 2 for a flag that does not exist (and names the nearest one that does), for a flag
 * that the command does not take, for a value that is missing, superfluous or not one of the choices, and for a word
 * too many.
 */
export function parse(argv: readonly string[], takes: Takes): Parsed {
  const { tokens } = parseArgs({
    args: argv.map((word, index) => withoutValue(word, argv[index + 1], takes.name)),
    options: Object.fromEntries(
      Object.entries(entries).map(([name, { short, value }]) => [
        name,
        { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, on } = known(token.name, token.rawName, takes);
    const entry = flagEntry(name);
    if (entry.value === undefined) {
      if (token.value !== undefined) throw flagTakesNoValue(token.rawName, token.value);
      values[name] = on;
      continue;
    }
    // A value that looks like a flag means that the value was forgotten, unless it was written with `=`.
    if (token.value === '' && entry.optionalIn?.includes(takes.name)) {
      values[name] = '';
      continue;
    }
    if (
      token.value === undefined ||
      token.value === '' ||
      (!token.inlineValue && token.value.startsWith('-') && token.value !== '-')
    ) {
      throw flagNeedsValue(token.rawName, entry.value);
    }
    if (entry.choices !== undefined && !entry.choices.includes(token.value))
      throw badChoice(token.rawName, token.value, entry.choices);
    const value = isPath(entry) ? withHome(token.value) : token.value;
    values[name] = entry.many ? [...((values[name] as string[] | undefined) ?? []), value] : value;
  }
  const extra = words[takes.words.most];
  if (extra !== undefined) throw tooManyArguments(extra, takes.shown, takes.words.what);
  return { values: values as FlagValues, words };
}

/** `--template` alone as `--template=`, for a command that takes it so: the next word is then no value of it. */
function withoutValue(word: string, next: string | undefined, command: string): string {
  const [, name] = /^--([a-z-]+)$/.exec(word) ?? [];
  const isOptional = name !== undefined && Object.hasOwn(entries, name) && entries[name]?.optionalIn?.includes(command);
  return isOptional && (next === undefined || next.startsWith('-')) ? `${word}=` : word;
}

/** The flag that was meant, and whether it was switched on or off. */
function known(given: string, raw: string, takes: Takes): { name: FlagName; on: boolean } {
  const on = !given.startsWith('no-');
  const name = on ? given : given.slice('no-'.length);
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  const exists = entry !== undefined && (on ? entry.negation !== 'only' : entry.negation !== undefined);
  if (!exists) throw unknownFlag(raw, nearestFlag(raw, takes.name), takes.shown);
  if (entry.commands !== undefined && !entry.commands.includes(takes.name)) throw flagNotHere(raw, takes.shown);
  return { name: name as FlagName, on };
}

function nearestFlag(raw: string, command: string): string | undefined {
  if (!raw.startsWith('--')) return undefined;
  const candidates = flagNames(command).flatMap((name) => {
    const { negation } = flagEntry(name);
    return negation === 'both' ? [`--${name}`, `--no-${name}`] : [written(name)];
  });
  return nearest(raw, candidates);
}

const badChoice = (flag: string, value: string, choices: readonly string[]): Refusal =>
  notAChoice(flag, value, choices, nearest(value, choices));
