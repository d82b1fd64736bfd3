/**
 * What this room's functions share: a folder in which a checker looks for settings, the files that divvy writes, and
 * hints.
 */

import type { Hint } from './hints.ts';
import type { HostFile } from './host-file.ts';
import type { PackageJson } from './package-json.ts';

export type Open = (path: string, dialect: 'json' | 'jsonc' | 'lines') => HostFile | undefined;

/** A folder (the package's own or one above it) and its contents. */
export interface Home {
  readonly root: string;
  readonly isOurs: boolean;
  readonly names: readonly string[];
  readonly packageJson: PackageJson | undefined;
  /** `from` turns a path relative to the package into one relative to this folder; `shown` does the reverse. */
  readonly from: (path: string) => string;
  readonly shown: (path: string) => string;
}

/** The files that divvy writes and that a linter might complain about. */
export interface Written {
  /** The folders of the runtime and of the tasks, relative to the package. */
  readonly runtime: string;
  readonly tasks: string;
  /** Whether the package's own test runner finds the tests, which import the tasks. */
  readonly isTested: boolean;
  /** Whether the tests use node:test. */
  readonly isNodeTest: boolean;
  /** Whether one of the tests is JavaScript. */
  readonly isJavaScript: boolean;
  /** The ending of a task file: `.ts` or `.mts`. */
  readonly ending: string;
}

export type Found = Hint & { names: string };
