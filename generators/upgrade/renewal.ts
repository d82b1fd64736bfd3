/** A task with both versions of its template: what it was made from, and what it is renewed from. */

import type { LockedTask } from '../project/lock.ts';
import type { Answers } from '../rendering/answers.ts';
import type { Template } from '../sources/templates.ts';
import type { TaskFiles } from '../task-files/task-files.ts';
import type { Outcome } from '../vendored/three-way.ts';

/** A task that was made from a team's template. */
export type FromTeam = LockedTask & { readonly template: string; readonly source: string; readonly resolved: string };

/** One task with both versions of its template. */
export interface Renewal {
  readonly task: string;
  readonly locked: FromTeam;
  /** As it was made; undefined if it cannot be fetched any more. */
  readonly old: Template | undefined;
  readonly newest: Template & { readonly origin: NonNullable<Template['origin']> };
  readonly answers: Answers;
  readonly made: TaskFiles;
  readonly outcomes: readonly Outcome[];
}
