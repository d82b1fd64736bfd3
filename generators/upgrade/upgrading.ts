/** What an upgrade is made of, whether of the runtime or of tasks from a template. */

import type { ChangeSet } from '../change-set/survey.ts';
import type { State } from '../vendored/pending.ts';
import type { Outcome } from '../vendored/three-way.ts';
import type { Tried } from './verify.ts';

export interface Upgrading {
  /** What is renewed, in words: `the runtime`, or `the tasks nightly, weekly`. */
  readonly what: string;
  /** What it is of now, and what it will be of, such as `divvy 0.1.0`. */
  readonly from: string;
  readonly to: string;
  /** Whether there is anything newer at all. */
  readonly isNewer: boolean;
  /** What to say if there is not. */
  readonly upToDate: string;
  readonly outcomes: readonly Outcome[];
  /** What has to be kept to go on with it once its conflicts are resolved. */
  readonly saved: Pick<State, 'of' | 'from' | 'to'>;
  /** The lines to print about what was left alone. */
  readonly notes: readonly string[];
  /** Everything that will be written, if these are the outcomes. Throws a Refusal for what must not be written. */
  readonly changesOf: (settled: readonly Outcome[]) => ChangeSet;
  /** Tries what was merged. */
  readonly tryOut: (settled: readonly Outcome[]) => Promise<Tried>;
}
