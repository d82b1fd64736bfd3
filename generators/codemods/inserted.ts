/** What has been put into a file, kept so that it can be taken out again to the byte. */

/**
 * Adding is not one to one: `{}` and a brace on the next line become the same text, and an import that is used now may
 * have been there before, unused. So what was put in is written down.
 */
export interface Inserted {
  /**
   * By hook: its method, and around it the white space that was put in with it. Of hooks that stand beside each other
   * each has that of the whole row, so that whichever goes last takes it along.
   */
  readonly hooks: Readonly<Record<string, string>>;
  /** The names that were put into a list of imports, as they stand there: `Run`, `type Run`, `Run as DivvyRun`. */
  readonly imports: readonly string[];
  /** Where the whole import was put in: behind another one or a directive, or before the first statement. */
  readonly statement?: 'behind' | 'before';
}

export const NOTHING_INSERTED: Inserted = { hooks: {}, imports: [] };

/** A method that was put in, and the white space before and behind it. */
export function partsOf(inserted: string): { lead: string; written: string; tail: string } {
  const lead = /^[\r\n]*/.exec(inserted)?.[0] ?? '';
  const written = inserted.slice(lead.length).trimEnd();
  return { lead, written, tail: inserted.slice(lead.length + written.length) };
}
