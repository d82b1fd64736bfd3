/** Why a codemod leaves a source alone, and what its author can do. */
export interface Refusal {
  /** The file of that line, if it is not the source. */
  readonly fileName?: string;
  /** The line of the source that caused the refusal, from 1. */
  readonly line: number;
  readonly reason: string;
  readonly remedy: string;
}

export function isRefusal(value: object): value is Refusal {
  return 'remedy' in value;
}
