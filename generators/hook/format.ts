/** Keeps a task file formatted, if the project's own formatter would leave it as it is. */

import { type Formatter, formatted, formattersOf, formattingOnes } from '../host/formatter.ts';
import { levelsOf } from '../host/levels.ts';
import { Refusal } from '../terminal/refusal.ts';

/** Resolves with the formatted text; undefined if there is no formatter, or if one fails. */
export type Format = (text: string) => Promise<string | undefined>;

/**
 * root - the project's folder.
 * path - of the file, relative to the root.
 */
export function formatOf(root: string, path: string): Format {
  const all = formattersIn(root).map(({ program, ...rest }) =>
    program === undefined ? undefined : { program, ...rest },
  );
  return async (text) => {
    let result: string | undefined;
    for (const formatter of all) {
      const made = formatter && (await formatted(formatter, root, path, result ?? text));
      if (made === undefined || 'reason' in made) return undefined;
      result = made.text;
    }
    return result;
  };
}

/** An unreadable package.json must not prevent the edit of a task. */
function formattersIn(root: string): readonly Formatter[] {
  try {
    return formattingOnes(formattersOf({ levels: levelsOf(root) }));
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
