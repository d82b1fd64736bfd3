/** Finds the places in the task's own code that an error's stack names. Runs in the master. Internal. */

import { fileURLToPath } from 'node:url';
import type { ItemError } from '../parallelizable.ts';
import { fromHere } from './here.ts';
import { beginning, cutTo, printable } from './words.ts';

const LINE_MAX = 300;
/** How much of a long message a stack keeps. */
export const STACK_MESSAGE_MAX = 200;

const FRAME = /^\s+at /;
/** Frames of Node.js say nothing about the task. Neither do those of the runtime, in either form of its path. */
const NODE = /node:|\(<anonymous>\)/;
const RUNTIME = new URL('..', import.meta.url);
const RUNTIME_PATHS = [RUNTIME.href, ...[' ', '('].map((before) => before + fileURLToPath(RUNTIME))];

/** The place of a syntax error: Node.js puts the file, the line and a caret before the message. */
const PLACE = /^\S.*:\d+\n[\s\S]*?\n(?=\n\w*SyntaxError)/;
/** A file in a frame: a URL, or behind the function's name a path. */
const FILE = /file:\/\/\S+?(?=:\d+:\d+)|(?<=^at (?:async )?(?:[^/]* \()?)\/.+?(?=:\d+:\d+)/;

/** Returns the stack frames of an error in the task's own code and its libraries, one per line. */
export function framesOf({ stack = '', message }: ItemError): string[] {
  return afterMessage(stack, message)
    .filter((line) => FRAME.test(line) && !isForeign(line))
    .map((frame) => `  ${cutTo(printable(frame.trim()).replace(FILE, shortPath), LINE_MAX)}`);
}

/** Returns where a syntax error is, with the line of code. */
export function placeOf({ stack = '' }: ItemError): string[] {
  const place = PLACE.exec(stack)?.[0].split('\n') ?? [];
  return place.map((line) => `  ${line}`.trimEnd()).filter(Boolean);
}

/** Returns the lines of a stack behind its message, which may have lines that look like frames: those of another program. */
function afterMessage(stack: string, message: string): string[] {
  const lines = stack.split('\n');
  const firstFrame = stack.search(/^\s+at /m);
  for (const text of [message, `${beginning(message, STACK_MESSAGE_MAX)}…`]) {
    const at = text === '' ? -1 : stack.indexOf(text);
    if (at >= 0 && at <= firstFrame) return stack.slice(at + text.length).split('\n');
  }
  // The message has been changed since: then only the last frames that follow each other are sure to be none of it.
  const last = lines.findLastIndex((line) => FRAME.test(line));
  const before = lines.slice(0, Math.max(0, last)).findLastIndex((line) => !FRAME.test(line));
  return lines.slice(before + 1);
}

const isForeign = (frame: string): boolean =>
  NODE.test(frame) || RUNTIME_PATHS.some((runtime) => frame.includes(runtime));

/** Returns a file's path, relative to the working directory if the file is below it. */
function shortPath(file: string): string {
  try {
    const whole = file.startsWith('/') ? file : fileURLToPath(file);
    const relative = fromHere(whole);
    return relative.startsWith('..') ? whole : relative;
  } catch {
    return file; // it is not the URL of a file, or the working directory is gone
  }
}
