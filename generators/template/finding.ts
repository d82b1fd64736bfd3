/** A finding of the template check. */
export interface Finding {
  /** Relative to the template. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** A note is only information for the author; it is not a fault. */
  readonly kind: 'fault' | 'note';
}

export const fault = (file: string, line: number, message: string): Finding => ({ file, line, message, kind: 'fault' });
export const note = (file: string, line: number, message: string): Finding => ({ file, line, message, kind: 'note' });

/** The line, from 1, of an offset in a text. */
export const lineOfOffset = (text: string, offset: number): number =>
  text.slice(0, Math.max(offset, 0)).split('\n').length;
