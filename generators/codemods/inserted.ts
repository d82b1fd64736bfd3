/** Records what was inserted into a file, so that it can be removed again, byte for byte. */

/**
 * The text alone does not tell how to reverse an insertion: `{}` and a brace on the next line become the same text, and
 * an import that is used now may have been there before, unused. So every insertion is recorded.
 */
export interface Inserted {
  /**
   * For each hook its method and the white space that was inserted around it. Hooks in one row all have the white space
   * of the whole row, so that the last one to be removed takes it along.
   */
  readonly hooks: Readonly<Record<string, string>>;
  /** The names inserted into import lists, as they are written there: `Run`, `type Run`, `Run as DivvyRun`. */
  readonly imports: readonly string[];
  /** Where the whole import was inserted: `behind` another import or a directive, or `before` the first statement. */
  readonly statement?: 'behind' | 'before';
}

export const NOTHING_INSERTED: Inserted = { hooks: {}, imports: [] };

/** Splits an insertion into the method and the white space before and after it. */
export function partsOf(inserted: string): { lead: string; written: string; tail: string } {
  const lead = /^[\r\n]*/.exec(inserted)?.[0] ?? '';
  const written = inserted.slice(lead.length).trimEnd();
  return { lead, written, tail: inserted.slice(lead.length + written.length) };
}
