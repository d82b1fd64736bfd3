/**
 * The task's own arguments: declared in the task file, given on the command line or in the environment, checked in the
 * master before anything is forked. Runs in the master, in workers, and in tests.
 */

import { isDeepStrictEqual } from 'node:util';
import { ArgumentsHelp, argumentHasNoValue, argumentsAreWrong, argumentsDiffer } from '../errors.ts';
import { keepSecret } from '../text/secrets.ts';
import { inspected } from '../text/words.ts';
import {
  type Argument,
  type Declared,
  declare,
  declaredBeside,
  declaredFor,
  inlineValues,
  loadingFile,
  nameOf,
  offered,
} from './declared.ts';
import { describeArguments, helpCommand, SHAPES, shapeOf } from './describe.ts';
import { NAME, readWords, type Words } from './words.ts';

export type { Argument } from './declared.ts';

type Value = string | number | boolean | readonly string[];

type ValueOf<One extends Argument> = One extends { type: 'string' }
  ? string
  : One extends { type: 'boolean' }
    ? boolean
    : One extends { type: 'words' }
      ? readonly string[]
      : number;

/** Whether there always is a value. */
type IsThere<One extends Argument> = One extends
  | { required: true }
  | { default: string | number }
  | { type: 'boolean' | 'words' }
  ? true
  : false;

/** Refuses members that an argument of its type does not have, such as a misspelt `secret`. */
type OnlyKnown<All extends Readonly<Record<string, Argument>>> = {
  readonly [Name in keyof All]: {
    readonly [Member in Exclude<keyof All[Name], keyof Extract<Argument, { type: All[Name]['type'] }>>]: never;
  };
};

/** The values of declared arguments. Public. */
export type TaskArguments<All extends Readonly<Record<string, Argument>>> = {
  readonly [Name in keyof All]: IsThere<All[Name]> extends true ? ValueOf<All[Name]> : ValueOf<All[Name]> | undefined;
};

/**
 * Declares the task's own arguments, once, at the top of the task file. Public.
 *
 * declared - each argument by its name. It is given as `name=value` after the task file, or as `--name value` behind
 *            `--`; one of type `boolean` also as `--name` or `--no-name`; those of type `words` are all words without a
 *            name. See `Argument` for the rest.
 *
 * Returns the values, each read when it is used. One that is optional and not given is undefined; a boolean is false, and
 * there are no words. In a run, the master checks them all before it forks a worker: exit 2 with the list of what is
 * wrong. Elsewhere, for example in a test, nothing is checked before it is used: then a required one without a value
 * throws UsageError. In a test, `runInline(task, { args })` gives them.
 *
 * Throws TypeError if the declaration itself is wrong. Runs in the master and in every worker.
 */
export function taskArguments<const All extends Readonly<Record<string, Argument>>>(
  declared: All & OnlyKnown<All>,
): TaskArguments<All> {
  const own = Object.entries(declared).map(([name, argument]): Declared => ({ ...argument, name }));
  for (const argument of own) checkDeclared(argument);
  if (own.filter(({ type }) => type === 'words').length > 1)
    throw new TypeError('two arguments are of type words; only one can take the words without a name');
  declare(own);
  const values = {};
  for (const argument of own) {
    // console.log and JSON show what is enumerable.
    Object.defineProperty(values, argument.name, {
      enumerable: argument.secret !== true,
      get: () => currentValue(argument),
    });
  }
  return Object.freeze(values) as TaskArguments<All>;
}

function checkDeclared(argument: Declared): void {
  const { name, type } = argument;
  if (!NAME.test(name) || name === 'help')
    throw new TypeError(
      `an argument is called ${JSON.stringify(name)}; begin with a letter, go on with letters, digits, - and _, and leave help free`,
    );
  if (!(type in SHAPES))
    throw new TypeError(
      `the argument ${name} is of type ${inspected(type)}; take one of ${Object.keys(SHAPES).join(', ')}`,
    );
  const members = ['name', 'type', 'doc', 'required', 'default', ...(MEMBERS[type] ?? [])];
  const unknown = Object.keys(argument).find((member) => !members.includes(member));
  if (unknown !== undefined)
    throw new TypeError(`the argument ${name} has ${unknown}, which is none of ${members.slice(1).join(', ')}`);
  if (argument.default === undefined) return;
  if (argument.secret)
    throw new TypeError(
      `the argument ${name} is secret and has a default, which anybody can read; leave it out, and give it by env`,
    );
  if (argument.required)
    throw new TypeError(`the argument ${name} is required and has a default; leave one of them out`);
  const { wrong } = valueFrom(argument, textsOf(argument.default));
  if (wrong !== undefined) throw new TypeError(`the default of an argument is wrong: ${wrong}`);
}

const NAMED = ['env', 'secret', 'tuning'];
/** What an argument may say of itself besides what all may. */
const MEMBERS: Readonly<Record<Argument['type'], readonly string[]>> = {
  string: NAMED,
  number: [...NAMED, 'min', 'max'],
  integer: [...NAMED, 'min', 'max'],
  boolean: NAMED,
  words: [],
};

/** What has been read: arguments are read in `process`, for each item. */
let known: { readonly words: readonly string[]; readonly values: Map<Declared, Value | undefined> } | undefined;

function currentValue(argument: Declared): Value | undefined {
  const inline = inlineValues();
  const [words] = offered();
  if (inline || !words) {
    const given = inline && Object.hasOwn(inline, argument.name) ? inline[argument.name] : undefined;
    const { value, wrong } = valueAmong(argument, textsOf(given));
    if (wrong !== undefined) throw argumentHasNoValue(wrong);
    return value;
  }
  if (known?.words === words && known.values.has(argument)) return known.values.get(argument);
  const beside = declaredBeside(argument);
  const read = readWords(words, beside.map(nameOf));
  const { value, wrong } = valueAmong(argument, textsIn(read, argument));
  // Only while the file loads: after that all of them have been checked.
  if (wrong !== undefined) refuse(words, beside, loadingFile() ?? '');
  if (known?.words !== words) known = { words, values: new Map() };
  known.values.set(argument, value);
  return value;
}

const textsIn = ({ given }: Words, { name }: Declared): string[] =>
  given.filter((each) => each.name === name).map(({ text }) => text);

const textsOf = (value: unknown): string[] => (value === undefined ? [] : [value].flat().map(String));

/** What a value is that is not given, if it is not undefined. */
const NOTHING: { readonly [Type in Argument['type']]?: Value } = { boolean: false, words: [] };

/** Returns the value: of these texts, else of the environment, else the default. */
function valueAmong(argument: Declared, texts: readonly string[]): { value?: Value | undefined; wrong?: string } {
  const { name, env, required, doc, secret } = argument;
  const variable = env === undefined ? undefined : process.env[env];
  const given = texts.length > 0 || !variable ? texts : [variable];
  if (secret && argument.type !== 'boolean') for (const text of given) keepSecret(text);
  if (given.length > 0) return valueFrom(argument, given);
  if (required) {
    const ways = [...(env === undefined ? [] : [`set the variable ${env}`]), `write ${shapeOf(argument)}`];
    return { wrong: `${name} is missing${doc === undefined ? '' : ` (${doc})`}: ${ways.join(', or ')}` };
  }
  return { value: argument.default ?? NOTHING[argument.type] };
}

/** Returns the value that texts stand for. */
function valueFrom(argument: Declared, texts: readonly string[]): { value?: Value; wrong?: string } {
  const { name, type, secret } = argument;
  const [text = '', another] = texts;
  if (type === 'words') return { value: texts };
  if (another !== undefined) return { wrong: `${name} is given ${texts.length} times; give it once` };
  const must = (what: string) => ({
    wrong: `${name} must be ${what}${secret ? '' : `, and is ${JSON.stringify(text)}`}`,
  });
  if (type === 'string') return text === '' ? { wrong: `${name} is empty; is a variable not set?` } : { value: text };
  if (type === 'boolean') return /^(true|false)$/.test(text) ? { value: text === 'true' } : must('true or false');
  const { min = -Infinity, max = Infinity } = argument;
  const value = /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const fits = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= min && value <= max) return { value };
  const limits = [...(min > -Infinity ? [`of at least ${min}`] : []), ...(max < Infinity ? [`of at most ${max}`] : [])];
  return must([type === 'integer' ? 'a whole number' : 'a number', limits.join(' and ')].join(' ').trim());
}

/**
 * Checks the arguments of the run against what its task declares, once its file is loaded and before its class is used.
 *
 * Throws UsageError with everything that is wrong, and ArgumentsHelp if they ask for help.
 */
export function checkArguments(taskFile: string, words: readonly string[]): void {
  const { all, own } = declaredFor(taskFile);
  if (own.length === 0) return;
  // They are read from those of the first run in this process.
  if (!isDeepStrictEqual(offered()[0], words)) throw argumentsDiffer(taskFile);
  refuse(words, own, taskFile, all);
  const read = readWords(words, all.map(nameOf));
  for (const [argument, value] of known?.words === words ? known.values : []) {
    if (!isDeepStrictEqual(valueAmong(argument, textsIn(read, argument)).value, value))
      throw new TypeError(
        `the argument ${argument.name} was read before all arguments were declared, and so had another value; declare them all before one is read`,
      );
  }
}

/** Throws UsageError with everything that is wrong, if anything is, and ArgumentsHelp if the words ask for help. */
function refuse(words: readonly string[], own: readonly Declared[], taskFile: string, all?: readonly Declared[]): void {
  if (words.includes('--help') || words.includes('-h')) throw new ArgumentsHelp(describeArguments(own, taskFile));
  const read = readWords(words, (all ?? own).map(nameOf));
  const problems = own.flatMap((argument) => valueAmong(argument, textsIn(read, argument)).wrong ?? []);
  // Before all are declared, a word may give one that comes later.
  const list = [...(all ? read.wrong.map(({ why }) => why) : []), ...problems];
  if (list.length > 0) throw argumentsAreWrong(list, `To list them: ${helpCommand(taskFile)}`);
}
