/** The rules for a task's name, and the names made from it. */

import reservedIdentifiers, { typeScriptReservedTypes } from 'reserved-identifiers';
import { isDeviceName } from '../disk/paths.ts';
import { read } from '../package.ts';
import { WORDS_OF_PARTS } from './parts.ts';

const KEBAB_CASE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const LONGEST = 64;

/**
 * Words that a project uses for something else: a script in its package.json, a package that it installs, a folder
 * in `.divvy/`, where each task has a folder of its own name for its journals; or a part of the runtime, in `divvy add`.
 */
const TAKEN = new Set([
  ...['divvy', 'start', 'test', 'typecheck', 'typescript', 'node', 'vendor', 'tasks'],
  ...['last', 'pending', 'done', 'upgrade'],
  ...WORDS_OF_PARTS,
]);

/** Names that a task file declares or uses beside its class. */
const TYPES_OF_A_TASK = new Set([
  ...[
    'Item',
    'Result',
    'Ticket',
    'Path',
    'Url',
    'Answer',
    'Row',
    'RequestListener',
    'AddressInfo',
    'Readable',
    'Dirent',
    'DatabaseSync',
  ],
  ...['AsyncGenerator', 'Generator', 'AsyncIterable', 'Iterable', 'Awaited', 'Readonly', 'Partial', 'Record', 'Buffer'],
]);

const RESERVED = reservedIdentifiers({ includeGlobalProperties: true });
const RESERVED_TYPES = typeScriptReservedTypes();

/** Why a text cannot be a task's name; undefined if it can. */
export function whyNotTaskName(name: string): string | undefined {
  const reason = whyNotFileName(name);
  if (reason !== undefined) return reason;
  if (isReservedWord(name)) return 'it is a reserved word of the language';
  if (TAKEN.has(name)) return 'the project uses this name for something else';
  if (isTakenClass(className(name))) return `its class ${className(name)} would hide another of that name`;
  return undefined;
}

/** Why a text cannot answer a template's prompt for a name, which may become an identifier; undefined if it can. */
export function whyNotName(name: string): string | undefined {
  const isReserved = isReservedWord(name) || isReservedWord(className(name));
  return whyNotFileName(name) ?? (isReserved ? 'it is a reserved word of the language' : undefined);
}

/** Why a text cannot be a name that never becomes an identifier, such as a template's; undefined if it can. */
export function whyNotFileName(name: string): string | undefined {
  if (name.length > LONGEST) return `it is ${name.length} characters long, and ${LONGEST} is the most`;
  if (!KEBAB_CASE.test(name)) return 'a name is lower-case words of a-z and 0-9, joined by single hyphens';
  return isDeviceName(name) ? 'Windows keeps this name for a device' : undefined;
}

/** `dance-party` → `DanceParty`. */
export const className = (taskName: string): string =>
  taskName.replace(/(?:^|-)([a-z0-9])/g, (_, first: string) => first.toUpperCase());

/** The valid name that is nearest to the text. */
export function nearestTaskName(text: string): string {
  const words = text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST)
    .replace(/-+$/, '');
  if (words === '') return 'my-task';
  return whyNotTaskName(words) === undefined
    ? words
    : `${words.slice(0, LONGEST - '-task'.length).replace(/-+$/, '')}-task`;
}

/** `constructor` and `prototype` too: every class or object has these members, so no other member can have the name. */
const isReservedWord = (name: string): boolean =>
  RESERVED.has(name) || RESERVED_TYPES.has(name) || ['constructor', 'prototype'].includes(name);

const isTakenClass = (name: string): boolean =>
  TYPES_OF_A_TASK.has(name) || namesOfRuntime().has(name) || name in globalThis;

let exported: ReadonlySet<string> | undefined;

/** The names that `#divvy` exports: a task file imports some of them now, and more when hooks are added. */
export function namesOfRuntime(): ReadonlySet<string> {
  exported ??= new Set(exportsOf('index.ts'));
  return exported;
}

function exportsOf(file: string): string[] {
  const text = read(`runtime/${file}`).toString('utf8');
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);
  return [
    ...all(/^export (?:abstract )?(?:class|interface|type|const|function|enum) (\w+)/gm),
    ...all(/^export (?:type )?\{([^}]*)\}/gm).flatMap((names) => names.match(/\b(?!type\b)\w+/g) ?? []),
    ...all(/^export (?:type )?\* from '\.\/(.*)'/gm).flatMap(exportsOf),
  ];
}
