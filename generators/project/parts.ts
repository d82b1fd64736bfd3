/**
 * The parts of the runtime that a project has only on demand: `divvy add telemetry`, `divvy add engine bullmq`. Their files are in
 * runtime/ beside the others, which import none of them, and go to the same places of a project's own runtime. A part may need
 * packages.
 */

import type { Lock } from './lock.ts';

export interface Part {
  /** The word for it in commands: no task can have that name. */
  readonly name: string;
  /** The word behind that, if there are several of its kind. */
  readonly kind?: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** Its files, relative to the runtime's folder; a folder, which ends with a slash, stands for all that is below it. */
  readonly places: readonly [string, ...string[]];
  /** The file that is loaded before each task ("import" in divvy.json), if there is one. */
  readonly loaded?: string;
  /** The file that a run loads by its name alone, and which run: nothing in the runtime names it. */
  readonly entry?: { readonly file: string; readonly of: string };
  /** The packages that it needs when tasks run, each with its range. */
  readonly dependencies: { readonly [name: string]: string };
  /** Packages that come with those and whose install scripts need not run. */
  readonly scriptless?: readonly string[];
  /** What to do once it is installed. */
  readonly nextSteps: (commands: PartCommands) => readonly string[];
}

/** The command lines of a project, as its parts show them. */
export interface PartCommands {
  /** The runner with these options, and a task of the project. */
  readonly run: (...options: string[]) => string;
}

const PARTS: readonly Part[] = [
  {
    name: 'telemetry',
    summary: 'OpenTelemetry: a span for the run, and one for each attempt; yours to change',
    places: ['telemetry.ts'],
    loaded: 'telemetry.ts',
    // A set that was tried together. An exporter names one release of the SDK, and that one minor of the API: so ~, and not ^.
    dependencies: {
      '@opentelemetry/api': '~1.10.0',
      '@opentelemetry/context-async-hooks': '~3.1.1',
      '@opentelemetry/core': '~3.1.1',
      '@opentelemetry/exporter-trace-otlp-proto': '~0.301.1',
      '@opentelemetry/resources': '~3.1.1',
      '@opentelemetry/sdk-trace': '~3.1.1',
    },
    nextSteps: () => [
      'Say where spans go, if not to http://localhost:4318: OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318',
      'Where nobody takes them, in tests for example: OTEL_SDK_DISABLED=true',
    ],
  },
  {
    name: 'engine',
    kind: 'bullmq',
    summary: 'runs over several machines, by BullMQ on Redis or Valkey',
    places: ['engine/', 'engines/bullmq/'],
    entry: { file: 'engines/bullmq/bullmq.ts', of: 'every run with --engine bullmq' },
    // Tried together, with ~ as above: what BullMQ says of ioredis is only that it must be 5 or newer.
    dependencies: { bullmq: '~6.7.0', ioredis: '~6.0.0' },
    // It builds what makes msgpackr faster, which works without.
    scriptless: ['msgpackr-extract'],
    nextSteps: ({ run }) => [
      'On every machine, say where the queue is: DIVVY_ENGINE_URL=rediss://user:password@queue:6379/0',
      'With --engine, a run opens a connection to that URL and nothing else.',
      `On one machine, start the dispatcher: ${run('--engine', 'bullmq')}`,
      `On each machine, start a host: ${run('--engine', 'bullmq', '--join')}`,
    ],
  },
];

/** The words that name a part. */
export const WORDS_OF_PARTS: readonly string[] = [...new Set(PARTS.map(({ name }) => name))];

/** The parts that a word names: several if there are kinds of it, and none if it is a task's. */
export const partsNamed = (word: string): readonly Part[] => PARTS.filter(({ name }) => name === word);

/** The words for a part in commands, such as `engine bullmq`. */
export const wordsOf = ({ name, kind }: Part): string[] => [name, ...(kind === undefined ? [] : [kind])];

/** The parts that a project has, as far as its lock knows. `runtime` is the folder of its runtime. */
export const partsIn = (lock: Pick<Lock, 'files'> | undefined, runtime: string): Part[] =>
  PARTS.filter((part) => lockedFiles(part, lock, runtime).length > 0);

/** The files of a part that a lock knows: paths in the project. */
export const lockedFiles = (part: Part, lock: Pick<Lock, 'files'> | undefined, runtime: string): string[] =>
  Object.keys(lock?.files ?? {}).filter(
    (path) => path.startsWith(`${runtime}/`) && partOf(path.slice(runtime.length + 1)) === part,
  );

/** The part that a file belongs to, by its path relative to the runtime's folder; undefined if every project has the file. */
export const partOf = (file: string): Part | undefined =>
  PARTS.find(({ places }) => places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place)));

/** How divvy.json names the file of a part that is loaded before each task; undefined if none is. */
export const loadedAs = ({ loaded }: Part, runtime: string): string | undefined =>
  loaded === undefined ? undefined : `./${runtime}/${loaded}`;
