/**
 * The placeholders in a template. Each is a whole word, so that a template's TypeScript is valid and can be checked and
 * tested as it is.
 *
 *   example-task ExampleTask                               the task
 *   example-table ExampleTable exampleTable EXAMPLE_TABLE  the answer to the prompt `table`
 */

import { type Replacement, withAll } from '../codemods/words.ts';
import { parseJson } from '../json/parse.ts';
import { className } from '../project/names.ts';

/** An answer that replaces a placeholder. */
export interface Answer {
  /** The name of the prompt. */
  readonly name: string;
  readonly value: string;
  /**
   * true: words joined by hyphens, which may become an identifier. false: a text, which may only be in string literals.
   */
  readonly isName: boolean;
}

const kebab = (name: string): RegExp => new RegExp(String.raw`(?<![\w\\-])example-${name}(?![\w-])`, 'g');
const identifier = (name: string): RegExp => new RegExp(String.raw`(?<![\w$])${name}(?![\w$])`, 'g');
const camel = (name: string): string => `${name.charAt(0)}${className(name).slice(1)}`;
const constant = (name: string): string => name.replaceAll('-', '_').toUpperCase();

/**
 * Replaces the placeholders of the task's name and of answers that are names. Their characters are safe in any file.
 */
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

/** The identifiers that are placeholders for a name, and what each becomes. */
export const identifiersOf = ({ name, value }: Answer): { readonly from: string; readonly to: string }[] => [
  { from: `Example${className(name)}`, to: className(value) },
  { from: `example${className(name)}`, to: camel(value) },
  { from: `EXAMPLE_${constant(name)}`, to: constant(value) },
];

/** The placeholders for texts in a file, each with its word. */
export const textsIn = (
  text: string,
  answers: readonly Answer[],
): { readonly word: RegExp; readonly answer: Answer }[] =>
  answers
    .filter(({ isName }) => !isName)
    .map((answer) => ({ word: kebab(answer.name), answer }))
    .filter(({ word }) => text.search(word) >= 0);

/**
 * What may be in a file of an unknown language: nothing that a shell, a configuration or a pattern treats specially.
 */
const PLAIN = /^(?!-)[\w./:@+-]*$/;

/**
 * Puts text answers into a file that is not TypeScript, in the syntax of the file.
 *
 * Returns the new text, or why an answer cannot stand in the file.
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

/** Escapes a text so that Markdown shows it unchanged. */
export const inMarkdown = (text: string): string => text.replace(/[!-/:-@[-`{-~]/g, String.raw`\$&`);

/** A JSON text without the contents of its strings. If it is not JSON, the result equals nothing else. */
function shapeOf(text: string): string | symbol {
  try {
    return JSON.stringify(parseJson(text, (_, value) => (typeof value === 'string' ? '' : value)));
  } catch {
    return Symbol('no JSON');
  }
}

/** Words that look like placeholders but match no prompt: `example-tabel`. */
export function unknownPlaceholders(text: string, prompts: readonly string[]): string[] {
  const found = [...text.matchAll(/(?<![\w-])example-([a-z][a-z0-9-]*)(?![\w-])/g)].map(([, name = '']) => name);
  return [...new Set(found)].filter((name) => name !== 'task' && !prompts.includes(name));
}
