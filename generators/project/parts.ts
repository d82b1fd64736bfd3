/**
 * The parts of the runtime that a project has only on demand: `divvy add telemetry`. Their files are in runtime/ beside the
 * others, which know nothing of them, and go to the same places of a project's own runtime. A part may need packages.
 */

import type { Lock } from './lock.ts';

export interface Part {
  /** The word for it in commands: no task can have that name. */
  readonly name: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** Its files, relative to the runtime's folder. */
  readonly files: readonly string[];
  /** The one of them that is loaded before each task ("import" in divvy.json). */
  readonly loaded: string;
  /** The packages that it needs when tasks run, each with its range. */
  readonly dependencies: { readonly [name: string]: string };
  /** What to do once it is installed. */
  readonly nextSteps: readonly string[];
}

/** Every part. Those that are still to come are here by name alone, so that no task takes it: `divvy add engine …`. */
const PARTS: readonly Part[] = [
  {
    name: 'telemetry',
    summary: 'OpenTelemetry: a span for the run, and one for each attempt; yours to change',
    files: ['telemetry.ts'],
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
    nextSteps: [
      'Say where spans go, if not to http://localhost:4318: OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318',
      'Where nobody takes them, in tests for example: OTEL_SDK_DISABLED=true',
    ],
  },
];

/** The words that name a part, now or one day. */
export const WORDS_OF_PARTS: readonly string[] = [...PARTS.map(({ name }) => name), 'engine'];

/** The part that a word names; undefined if it names none. */
export const partNamed = (word: string | undefined): Part | undefined => PARTS.find(({ name }) => name === word);

/** The parts that a project has, as far as its lock knows. `runtime` is the folder of its runtime. */
export const partsIn = (lock: Pick<Lock, 'files'> | undefined, runtime: string): Part[] =>
  PARTS.filter(({ files }) => files.some((file) => Object.hasOwn(lock?.files ?? {}, `${runtime}/${file}`)));

/** The part that a file belongs to, by its path relative to the runtime's folder; undefined if every project has the file. */
export const partOf = (file: string): Part | undefined => PARTS.find(({ files }) => files.includes(file));

/** How divvy.json names the file of a part that is loaded before each task. */
export const loadedAs = ({ loaded }: Part, runtime: string): string => `./${runtime}/${loaded}`;
