/** How a task's arguments are written, in words: for its help and for errors. Runs in the master. Internal. */

import { fileWord, runner, shellWords } from '../text/shell.ts';
import type { Argument, Declared } from './declared.ts';

/** How the value of each type is written. */
export const SHAPES: Readonly<Record<Argument['type'], string>> = {
  string: 'TEXT',
  number: 'NUMBER',
  integer: 'NUMBER',
  boolean: 'true|false',
  words: '…',
};

/** Returns `table=TEXT`, `files …`. */
export function shapeOf({ name, type }: Declared): string {
  return type === 'words' ? `${name} …` : `${name}=${SHAPES[type]}`;
}

/** Returns the command that shows the help of a task's arguments. */
export function helpCommand(taskFile: string): string {
  return shellWords(['node', runner(), fileWord(taskFile), '--', '--help']);
}

/** Returns the help of a task's arguments. */
export function describeArguments(declared: readonly Declared[], taskFile: string): string {
  const width = Math.max(...declared.map((each) => shapeOf(each).length)) + 2;
  const lines = declared.map((argument) => {
    const { doc, required, default: value, env, secret, tuning } = argument;
    const notes = [
      ...(required ? ['required'] : []),
      ...(value === undefined ? [] : [[value].flat().join(' ')]),
      ...(env === undefined ? [] : [`or the variable ${env}`]),
      ...(secret ? ['never recorded or shown'] : []),
      ...(tuning ? ['may change in a resume'] : []),
    ];
    const text = [...(doc === undefined ? [] : [doc]), ...(notes.length > 0 ? [`(${notes.join('; ')})`] : [])].join(
      ' ',
    );
    return `  ${shapeOf(argument).padEnd(width)}${text}`.trimEnd();
  });
  const [named] = declared.filter(({ type, secret }) => type !== 'words' && !secret);
  const how = named
    ? `\n\nWrite them after the task file: ${shapeOf(named)}. After -- you may also write --${named.name} ${SHAPES[named.type]}.`
    : '';
  return `Arguments of ${fileWord(taskFile)}:\n${lines.join('\n')}${how}\n`;
}
