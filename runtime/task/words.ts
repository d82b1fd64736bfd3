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
  /** The words as they were written: one, or a name and its value. */
  readonly words: readonly string[];
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
  const rest = names.find(({ type }) => type === 'words');
  const named = new Map(names.map((each) => [each.name, each]));
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, dashes = '', name = '', value] = /^(--)?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const argument = named.get(name);
    if (dashes === '' && value === undefined) {
      // `-` alone is stdin, by custom.
      if (rest && (word === '-' || !word.startsWith('-'))) given.push({ name: rest.name, text: word, words: [word] });
      else wrong.push({ word, why: withoutName(word, argument, names) });
    } else if (argument && value !== undefined) {
      given.push({ name, text: value, words: [word] });
    } else if (argument?.type === 'boolean') {
      given.push({ name, text: 'true', words: [word] });
    } else if (named.get(name.replace(/^no-/, ''))?.type === 'boolean' && value === undefined) {
      given.push({ name: name.slice('no-'.length), text: 'false', words: [word] });
    } else if (argument) {
      const next = words[at + 1];
      at += 1;
      if (next === undefined || next.startsWith('--')) wrong.push({ word, why: `${word} needs a value` });
      else given.push({ name, text: next, words: [word, next] });
    } else {
      const asWord = rest && dashes === '' ? `; as one of ${rest.name}, write ${rest.name}=${word}` : '';
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
 * Returns the arguments as a journal records them: in one order, each as `name=value`, those from the environment too,
 * and none that is secret. Without declared arguments: the words as they are.
 */
export function recordedWords(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv = {},
): readonly string[] {
  return inOrder(words, names, env, ({ secret }) => !secret);
}

/** Returns the arguments by which two runs are the same run: as they are recorded, but without those for tuning. */
export function comparedWords(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv = {},
): readonly string[] {
  return inOrder(words, names, env, ({ secret, tuning }) => !secret && !tuning);
}

function inOrder(
  words: readonly string[],
  names: readonly ArgumentName[],
  env: NodeJS.ProcessEnv,
  isKept: (argument: ArgumentName) => boolean,
): readonly string[] {
  if (names.length === 0) return words;
  const { given, wrong } = readWords(words, names);
  const rank = ({ type, name }: ArgumentName): string => `${type === 'words' ? 1 : 0}${name}`;
  const sorted = names.filter(isKept).toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
  const kept = sorted.flatMap((argument) => {
    const own = given.filter(({ name }) => name === argument.name).map(({ text }) => text);
    const fromEnv = argument.env === undefined ? undefined : env[argument.env];
    return (own.length > 0 || !fromEnv ? own : [fromEnv]).map((text) => wordOf(argument, text));
  });
  return [...kept, ...wrong.map(({ word }) => word)];
}

/** One of the words without a name stays so, unless it would be read otherwise. */
function wordOf({ name, type }: ArgumentName, text: string): string {
  const isPlain = type === 'words' && !/^-.|^[A-Za-z][\w-]*=|^$/.test(text);
  return isPlain ? text : `${name}=${text}`;
}

/**
 * Returns a run's recorded arguments where `given` does not replace them, then `given`. Undefined if `given` names
 * anything by which runs differ: then it stands for itself.
 */
export function withRecorded(
  recorded: readonly string[],
  given: readonly string[],
  names: readonly ArgumentName[],
): { readonly before: readonly string[]; readonly all: readonly string[] } | undefined {
  if (comparedWords(given, names).length > 0) return undefined;
  const replaced = new Set(readWords(given, names).given.map(({ name }) => name));
  const before = recorded.filter((word) => !readWords([word], names).given.some(({ name }) => replaced.has(name)));
  return { before, all: [...before, ...given] };
}

/** Returns a command line without the words that give a secret. `words` are those of the task in it. */
export function withoutSecrets(
  line: readonly string[],
  words: readonly string[],
  names: readonly ArgumentName[],
): readonly string[] {
  const secret = new Set(names.filter((each) => each.secret).map(({ name }) => name));
  const kept = [...line];
  for (const { words: own } of readWords(words, names).given.filter(({ name }) => secret.has(name))) {
    const at = kept.findLastIndex((_, index) => own.every((word, offset) => kept[index + offset] === word));
    if (at >= 0) kept.splice(at, own.length);
  }
  return kept;
}
