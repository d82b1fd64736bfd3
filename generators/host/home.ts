/** Where programs that check files look, what divvy writes there, and what they need to hear of it. */

import type { Hint } from './hints.ts';
import type { HostFile } from './host-file.ts';
import type { PackageJson } from './package-json.ts';

export type Open = (path: string, dialect: 'json' | 'jsonc' | 'lines') => HostFile | undefined;

/** A folder from the package's own upwards, and what is in it. */
export interface Home {
  readonly root: string;
  readonly isOurs: boolean;
  readonly names: readonly string[];
  readonly packageJson: PackageJson | undefined;
  /** A path of the package, from this folder; and one of this folder, from the package. */
  readonly from: (path: string) => string;
  readonly shown: (path: string) => string;
}

/** What divvy writes that a linter would have something to say of. */
export interface Written {
  /** The runtime's folder and that of the tasks, relative to the package. */
  readonly runtime: string;
  readonly tasks: string;
  /** Whether the package's own runner finds the tests, which import the tasks. */
  readonly isTested: boolean;
  /** Whether tests are by node:test. */
  readonly isNodeTest: boolean;
  /** Whether one is JavaScript. */
  readonly isJavaScript: boolean;
  /** The ending of a task's file: `.ts`, or `.mts`. */
  readonly ending: string;
}

export type Found = Hint & { names: string };
