/**
 * The words of a command line that are the task's own arguments: which argument each word gives, which of them make two
 * runs the same run, and which may be recorded. Pure. Runs in the master, in workers, and in commands that show the state
 * of runs. Internal.
 */

import type { ArgumentName } from './declared.ts';

/** A value that a word gives. */
interface Given {
  readonly name: string;
  readonly text: string;
  /** The words as they were written: one, or a name and its value; and where they begin. */
  readonly words: readonly string[];
  readonly at: number;
}

/** The words, taken apart. */
export interface Words {
  readonly given: readonly Given[];
  /** Words that give no argument, each with the reason. */
  readonly wrong: readonly { readonly word: string; readonly why: string }[];
}

/** Something like a variable: `table`, `batch-size`. */
export const NAME: RegExp = /^[A-Za-z][\w-]*$/;

/** Takes the words apart: `name=value`, `--name value`, `--name=value`, `--flag`, `--no-flag`, and words without a name. */
export function readWords(words: readonly string[], names: readonly ArgumentName[]): Words {
  const given: Given[] = [];
  const wrong: { word: string; why: string }[] = [];
  const give = (name: string, text: string, at: number, own: string[]): void =>
    void given.push({ name, text, at, words: own });
  const rest = names.find(({ type }) => type === 'words');
  const named = new Map(names.map((each) => [each.name, each]));
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, dashes = '', name = '', value] = /^(--)?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const argument = named.get(name);
    if (dashes === '' && value === undefined) {
      // `-` alone is stdin, by custom.
      if (rest && (word === '-' || !word.startsWith('-'))) give(rest.name, word, at, [word]);
      else wrong.push({ word, why: withoutName(word, argument, names) });
    } else if (argument && value !== undefined) {
      give(name, value, at, [word]);
    } else if (argument?.type === 'boolean') {
      give(name, 'true', at, [word]);
    } else if (named.get(name.replace(/^no-/, ''))?.type === 'boolean' && value === undefined) {
      give(name.slice('no-'.length), 'false', at, [word]);
    } else if (argument) {
      const next = words[at + 1];
      if (next === undefined || next.startsWith('--')) wrong.push({ word, why: `${word} needs a value` });
      else {
        give(name, next, at, [word, next]);
        at += 1;
      }
    } else {
      const asWord = rest && dashes === '' ? `; as one of ${rest.name}, write ${rest.name}=${name}=…` : '';
      wrong.push({ word, why: `there is no argument ${name}${didYouMean(name, names)}${asWord}` });
    }
  }
  return { given, wrong };
}

function withoutName(word: string, argument: ArgumentName | undefined, names: readonly ArgumentName[]): string {
  if (argument?.type === 'boolean') return `${word} has no value: write ${word}=true`;
  const [first] = names.filter(({ type }) => type !== 'words');
  const example = argument ?? first;
  return `${JSON.stringify(word)} has no name${example ? `: write it as ${example.name}=…, if it is that` : ''}`;
}

function didYouMean(name: string, names: readonly ArgumentName[]): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const sorted = (text: string): string => [...plain(text)].sort().join('');
  const near = names.filter(
    (each) =>
      plain(each.name).startsWith(plain(name)) ||
      plain(name).startsWith(plain(each.name)) ||
      sorted(each.name) === sorted(name),
  );
  const list = (near.length > 0 ? near : names).map((each) => each.name).join(', ');
  return near.length > 0 ? ` (did you mean ${list}?)` : ` (this task has ${list})`;
}

/**
 * Returns the arguments as a journal records them: in one order and one form, each as `name=value`, also those from the
 * environment and defaults, and none that is secret. Without declared arguments: the words as they are.
 */
export function recordedWords(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv = {},
): readonly string[] {
  return inOrder(words, names, ({ secret }) => !secret, otherwise(env));
}

/** Returns the arguments by which two runs are the same run: as they are recorded, but without those for tuning. */
export function comparedWords(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv = {},
): readonly string[] {
  return inOrder(words, names, isCompared, otherwise(env));
}

/** Returns of these the ones that the words themselves give. */
export function comparedOf(words: readonly string[], names: readonly ArgumentName[]): readonly string[] {
  return inOrder(words, names, isCompared, () => []);
}

/** Returns of these the ones that the environment gives where the words do not. */
export function comparedInEnv(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv,
): readonly string[] {
  const own = new Set(readWords(words, names).given.map(({ name }) => name));
  const fromEnv = names.filter((each) => !own.has(each.name) && valueIn(env, each) !== undefined);
  return names.length === 0 ? [] : inOrder([], fromEnv, isCompared, otherwise(env));
}

const isCompared = ({ secret, tuning }: ArgumentName): boolean => !secret && !tuning;

/** What an argument is that the words do not give. */
const otherwise =
  (env: NodeJS.ProcessEnv) =>
  (argument: ArgumentName): readonly string[] => {
    const value = valueIn(env, argument);
    return value === undefined ? (argument.default ?? []) : [value];
  };

/** An empty variable counts as not set. */
const valueIn = (env: NodeJS.ProcessEnv, { env: name }: ArgumentName): string | undefined =>
  (name === undefined ? undefined : env[name]) || undefined;

function inOrder(
  words: readonly string[],
  names: readonly ArgumentName[],
  isKept: (argument: ArgumentName) => boolean,
  missing: (argument: ArgumentName) => readonly string[],
): readonly string[] {
  if (names.length === 0) return words;
  const { given, wrong } = readWords(words, names);
  const rank = ({ type, name }: ArgumentName): string => `${type === 'words' ? 1 : 0}${name}`;
  const sorted = names.filter(isKept).toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
  const kept = sorted.flatMap((argument) => {
    const own = given.filter(({ name }) => name === argument.name).map(({ text }) => text);
    return (own.length > 0 ? own : missing(argument)).map((text) => wordOf(argument, text));
  });
  return [...kept, ...wrong.map(({ word }) => word)];
}

/** One of the words without a name stays so, unless it would be read otherwise. */
function wordOf({ name, type }: ArgumentName, text: string): string {
  const isPlain = type === 'words' && !/^-.|^[A-Za-z][\w-]*=|^$/.test(text);
  const isNumber = (type === 'number' || type === 'integer') && text !== '' && Number.isFinite(Number(text));
  return isPlain ? text : `${name}=${isNumber ? Number(text) : text}`;
}

/**
 * Returns a run's recorded arguments where those that are given, also for tuning by the environment, do not replace them;
 * then those that are given.
 */
export function withRecorded(
  recorded: readonly string[],
  given: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv,
): { readonly before: readonly string[]; readonly all: readonly string[] } {
  const tuned = names.filter((each) => each.tuning && valueIn(env, each) !== undefined);
  const replaced = new Set([...readWords(given, names).given, ...tuned].map(({ name }) => name));
  const before = recorded.filter((word) => !readWords([word], names).given.some(({ name }) => replaced.has(name)));
  return { before, all: [...before, ...given] };
}

/** Returns words as they may be shown before it is known what is secret among them. */
export function shownWords(words: readonly string[], names: readonly ArgumentName[]): readonly string[] {
  if (names.length === 0) return words;
  const unknown = readWords(words, names).wrong.map(({ word }) => word);
  const known = recordedWords(words, names);
  return [
    ...known.slice(0, known.length - unknown.length),
    ...unknown.map((word) => (word.includes('=') ? word.replace(/=[\s\S]*/, '=…') : '…')),
  ];
}

/** Returns a command line without the words that give a secret. `words` are those of the task in it, in their order. */
export function withoutSecrets(
  line: readonly string[],
  words: readonly string[],
  names: readonly ArgumentName[],
): readonly string[] {
  const secret = new Set(names.filter((each) => each.secret).map(({ name }) => name));
  const gone = new Set<number>();
  for (const { name, at, words: own } of readWords(words, names).given)
    if (secret.has(name)) for (let offset = 0; offset < own.length; offset++) gone.add(at + offset);
  // The task's words are the last ones of the line, but for options between them.
  const kept: string[] = [];
  let left = words.length;
  for (const word of line.toReversed()) {
    const isOwn = left > 0 && word === words[left - 1];
    if (isOwn) left -= 1;
    if (!isOwn || !gone.has(left)) kept.push(word);
  }
  return kept.reverse();
}
