/** A refusal of a command: an exit code, what is wrong, and what to do. */

import { harmless } from './harmless.ts';

/**
 * The exit codes of a refusal, as the contract has them: 1 failed or cancelled, 2 usage, 3 conflicts, 4 needs trust, 5
 * a dirty tree.
 */
export type RefusalCode = 1 | 2 | 3 | 4 | 5;

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly exitCode: RefusalCode;
  /** What the person can do next; one line or several. */
  readonly remedy: string;

  constructor(exitCode: RefusalCode, message: string, remedy: string) {
    super(message);
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/**
 * A value in double quotes, for a message. Characters that could move a cursor, change a colour or reorder the line are
 * escaped.
 */
export const quoted = (value: string): string => harmless(JSON.stringify(value));

export const didYouMean = (nearest: string | undefined): string =>
  nearest === undefined ? '' : `Did you mean ${nearest}? `;
export const lines = (paths: readonly string[]): string => paths.map((path) => `\n  ${harmless(path)}`).join('');
