/** A task file that is as the project's own formatter has it stays so. */

import { type Formatter, formatted, formattersOf, formattingOnes } from '../host/formatter.ts';
import { levelsOf } from '../host/place.ts';
import { Refusal } from '../terminal/refusal.ts';

/** Resolves with the text as the formatters have it; undefined where there is none, or one fails. */
export type Format = (text: string) => Promise<string | undefined>;

/**
 * root - the project's folder.
 * path - of the file, relative to that.
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

/** A package.json that cannot be read is no reason not to edit a task. */
function formattersIn(root: string): readonly Formatter[] {
  try {
    return formattingOnes(formattersOf({ levels: levelsOf(root) }));
  } catch (error) {
    if (error instanceof Refusal) return [];
    throw error;
  }
}
