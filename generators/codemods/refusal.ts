/** Why a codemod leaves a source alone, and what the author of the source can do about it. */
export interface Refusal {
  /** The file of that line, where it is not the source. */
  readonly fileName?: string;
  /** The line of the source that is the reason, from 1. */
  readonly line: number;
  readonly reason: string;
  readonly remedy: string;
}

export function isRefusal(value: object): value is Refusal {
  return 'remedy' in value;
}
