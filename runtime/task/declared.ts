/**
 * What tasks declare as their arguments, and the arguments that a run was given. One store for the whole process, even
 * if a loader such as tsx has loaded the runtime twice. Runs in the master, in workers, and in tests. Internal.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { noSuchArgument } from '../errors.ts';

interface Common {
  /** What it is for, in a few words: for the help and for errors. */
  readonly doc?: string;
  /** There must be a value, from the command line or from `env`. */
  readonly required?: boolean;
  /** An environment variable that gives the value if the command line does not. */
  readonly env?: string;
  /** Never recorded, compared or shown. */
  readonly secret?: boolean;
  /** May be another in a resume. */
  readonly tuning?: boolean;
}

/** One argument of a task. Public. */
export type Argument =
  | (Common & { readonly type: 'string'; readonly default?: string })
  | (Common & {
      readonly type: 'number' | 'integer';
      readonly default?: number;
      /** The smallest and the largest value. */
      readonly min?: number;
      readonly max?: number;
    })
  | (Common & { readonly type: 'boolean'; readonly default?: boolean })
  /** Every word without a name: files, ids. */
  | (Pick<Common, 'doc' | 'required'> & {
      readonly type: 'words';
      readonly default?: readonly string[];
      readonly env?: never;
      readonly secret?: never;
      readonly tuning?: never;
    });

/** What the words of a command line mean: all that a journal needs to know of an argument. */
export interface ArgumentName {
  readonly name: string;
  readonly type: Argument['type'];
  readonly env?: string;
  readonly secret?: boolean;
  readonly tuning?: boolean;
  /** What it is if it is not given, as words; a boolean is false. */
  readonly default?: readonly string[];
}

/** An argument with its name. */
export type Declared = Argument & { readonly name: string };

/** One call of taskArguments. */
interface Declaration {
  /** The task file that was being loaded; undefined outside a run. */
  readonly owner: string | undefined;
  readonly arguments: readonly Declared[];
}

interface Store {
  readonly declarations: Declaration[];
  /** The task file that is being loaded; null if two are at once. */
  loading: string | null | undefined;
  /** The process has one task, and it is loaded. */
  isClosed: boolean;
  /** The arguments of each run that goes on in this process. */
  readonly runs: Set<readonly string[]>;
  /** The values that runInline was given. */
  readonly inline: AsyncLocalStorage<ArgumentValues>;
}

const STORE = Symbol.for('divvy task arguments');

function store(): Store {
  const all = globalThis as { [STORE]?: Store };
  all[STORE] ??= {
    declarations: [],
    loading: undefined,
    isClosed: false,
    runs: new Set(),
    inline: new AsyncLocalStorage(),
  };
  return all[STORE];
}

/**
 * Adds the arguments of one call of taskArguments. Throws TypeError if the task has declared one of them otherwise.
 */
export function declare(args: readonly Declared[]): void {
  const { declarations, loading, isClosed } = store();
  if (isClosed && loading === undefined)
    throw new TypeError(
      'taskArguments is called after the task file was loaded; import the module that calls it at the top of the task file',
    );
  const owner = loading ?? undefined;
  const own = declarations.filter((each) => owner !== undefined && each.owner === owner);
  for (const { name, ...argument } of args) {
    const others = own.flatMap((each) => each.arguments).filter((each) => each.name === name);
    // The same module may have been loaded twice.
    const isOther = others.some(({ name: _, ...other }) => JSON.stringify(other) !== JSON.stringify(argument));
    if (isOther) throw new TypeError(`the argument ${name} is declared twice, each time otherwise; declare it once`);
  }
  declarations.push({ owner, arguments: args });
}

/** The task file that is being loaded; undefined if none is, or several are. */
export function loadingFile(): string | undefined {
  return store().loading ?? undefined;
}

/** Loads a task file: what is declared meanwhile is its own. */
export async function declaring<T>(taskFile: string, load: () => Promise<T>): Promise<T> {
  const all = store();
  all.loading = all.loading === undefined ? taskFile : null;
  try {
    return await load();
  } finally {
    all.loading = undefined;
  }
}

/**
 * Returns what a task has declared: `own`, known to be its own; and `all`, which it may have declared. These are more only
 * in a program that loads several tasks, such as a test: they may share a module that declares arguments.
 */
export function declaredFor(taskFile: string): { all: readonly Declared[]; own: readonly Declared[] } {
  const { declarations } = store();
  const own = eachOnce(declarations.filter(({ owner }) => owner === taskFile));
  return { own, all: eachOnce([...declarations, { owner: taskFile, arguments: own }]) };
}

/** Returns what a journal needs to know of the arguments of a task that is loaded. */
export function argumentNames(taskFile: string): ArgumentName[] {
  return declaredFor(taskFile).all.map(nameOf);
}

/** Returns what the words of a command line mean for an argument. */
export function nameOf({ name, type, env, secret, tuning, default: value }: Declared): ArgumentName {
  const texts = value === undefined ? (type === 'boolean' ? ['false'] : undefined) : [value].flat().map(String);
  return {
    ...{ name, type },
    ...(texts !== undefined && { default: texts }),
    ...(env !== undefined && { env }),
    ...(secret && { secret }),
    ...(tuning && { tuning }),
  };
}

/** Returns everything that this process has declared, with this one for its name. */
export function declaredBeside(argument: Declared): readonly Declared[] {
  return eachOnce([...store().declarations, { owner: undefined, arguments: [argument] }]);
}

/** The last one of a name counts. */
function eachOnce(declarations: readonly Declaration[]): Declared[] {
  const byName = new Map(declarations.flatMap((each) => each.arguments).map((each) => [each.name, each]));
  return [...byName.values()];
}

/** From now on nothing can be declared: in a worker, and in the runner's own process. */
export function closeDeclarations(): void {
  store().isClosed = true;
}

/** Whether anything has been declared in this process. */
export function hasDeclarations(): boolean {
  return store().declarations.length > 0;
}

/** Gives the process the arguments of a run. Returns a function that takes them back at its end. */
export function offer(words: readonly string[]): () => void {
  const { runs } = store();
  runs.add(words);
  return () => void runs.delete(words);
}

/** The arguments of each run that goes on in this process. */
export function offered(): readonly (readonly string[])[] {
  return [...store().runs];
}

/** Values of arguments by their names, as a test gives them. Public. */
export type ArgumentValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Throws UsageError if nothing in this process declares one of these arguments. */
export function needDeclared(names: readonly string[]): void {
  const known = eachOnce(store().declarations).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw noSuchArgument(unknown, known);
}

/** Calls `act`, in which the arguments have these values. */
export function withValues<T>(values: ArgumentValues, act: () => T): T {
  return store().inline.run(values, act);
}

/** The values that runInline was given; undefined outside it. */
export function inlineValues(): ArgumentValues | undefined {
  return store().inline.getStore();
}
