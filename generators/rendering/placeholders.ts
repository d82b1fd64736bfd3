/**
 * The names in a template that something takes the place of. Each is a whole word, so that a template's TypeScript is
 * TypeScript, and is checked and tested as it stands.
 *
 *   example-task ExampleTask                              the task
 *   example-table ExampleTable exampleTable EXAMPLE_TABLE the answer to the prompt `table`
 */

import { type Replacement, withAll } from '../codemods/words.ts';
import { parseJson } from '../json/parse.ts';
import { className } from '../project/names.ts';

/** An answer that takes a name's place. */
export interface Answer {
  /** Of the prompt. */
  readonly name: string;
  readonly value: string;
  /** It is words joined by hyphens, and may be an identifier; else it is a text, and stands in string literals only. */
  readonly isName: boolean;
}

const kebab = (name: string): RegExp => new RegExp(String.raw`(?<![\w\\-])example-${name}(?![\w-])`, 'g');
const identifier = (name: string): RegExp => new RegExp(String.raw`(?<![\w$])${name}(?![\w$])`, 'g');
const camel = (name: string): string => `${name.charAt(0)}${className(name).slice(1)}`;
const constant = (name: string): string => name.replaceAll('-', '_').toUpperCase();

/** Puts the task's name, and answers that are names, in their places. What they are made of is safe in any file. */
export function withNames(text: string, task: string, answers: readonly Answer[]): string {
  const all: Replacement[] = [
    { word: kebab('task'), by: task },
    { word: identifier('ExampleTask'), by: className(task) },
    ...answers.filter(({ isName }) => isName).flatMap(ofName),
  ];
  return withAll(text, all);
}

const ofName = (answer: Answer): Replacement[] => [
  { word: kebab(answer.name), by: answer.value },
  ...identifiersOf(answer).map(({ from, to }) => ({ word: identifier(from), by: to })),
];

/** The identifiers that stand for a name in a template, and what each becomes. */
export const identifiersOf = ({ name, value }: Answer): { readonly from: string; readonly to: string }[] => [
  { from: `Example${className(name)}`, to: className(value) },
  { from: `example${className(name)}`, to: camel(value) },
  { from: `EXAMPLE_${constant(name)}`, to: constant(value) },
];

/** The placeholders of texts that are in a file, with the word that each is. */
export const textsIn = (
  text: string,
  answers: readonly Answer[],
): { readonly word: RegExp; readonly answer: Answer }[] =>
  answers
    .filter(({ isName }) => !isName)
    .map((answer) => ({ word: kebab(answer.name), answer }))
    .filter(({ word }) => text.search(word) >= 0);

/** What may stand in a file whose language is not known: nothing that a shell, a configuration or a pattern reads as its own. */
const PLAIN = /^(?!-)[\w./:@+-]*$/;

/**
 * Puts answers that are texts into a file that is no TypeScript, as its language writes them.
 *
 * Returns the text, or why one of them cannot stand in it.
 */
export function withTexts(
  path: string,
  text: string,
  answers: readonly Answer[],
): { readonly text: string } | { readonly reason: string } {
  const texts = textsIn(text, answers);
  const isJson = path.endsWith('.json');
  const isMarkdown = /\.(md|markdown)$/.test(path);
  const odd = texts.find(({ answer: { value } }) => !isJson && !isMarkdown && !PLAIN.test(value));
  if (odd !== undefined) {
    const { name, value } = odd.answer;
    return {
      reason: `the answer to ${name} has characters in it that could mean something there: ${JSON.stringify(value)}`,
    };
  }
  const written = (value: string) =>
    isJson ? JSON.stringify(value).slice(1, -1) : isMarkdown ? inMarkdown(value) : value;
  const done = withAll(
    text,
    texts.map(({ word, answer }) => ({ word, by: written(answer.value) })),
  );
  if (isJson && texts.length > 0 && shapeOf(text) !== shapeOf(done)) {
    return { reason: 'an answer stands in a string that is a value, and in nothing else of it' };
  }
  return { text: done };
}

/** A text as Markdown shows it, whatever is in it. */
export const inMarkdown = (text: string): string => text.replace(/[!-/:-@[-`{-~]/g, String.raw`\$&`);

/** A JSON text without what its strings say; what is none has a shape like no other. */
function shapeOf(text: string): string | symbol {
  try {
    return JSON.stringify(parseJson(text, (_, value) => (typeof value === 'string' ? '' : value)));
  } catch {
    return Symbol('no JSON');
  }
}

/** Words that look like placeholders, and are none: `example-tabel`. */
export function unknownPlaceholders(text: string, prompts: readonly string[]): string[] {
  const found = [...text.matchAll(/(?<![\w-])example-([a-z][a-z0-9-]*)(?![\w-])/g)].map(([, name = '']) => name);
  return [...new Set(found)].filter((name) => name !== 'task' && !prompts.includes(name));
}
