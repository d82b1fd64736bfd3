/** What the newest of a source is, for a task that was made from an older one. */

import { parseSource, type Source } from './source.ts';

type TeamSource = string | { readonly from: string; readonly ref?: string };

/**
 * The source to fetch, and its ref in git.
 *
 * source - as the lock has it: of a package with its exact version.
 * teams - the sources that divvy.json names: one of the same package or repository says which version a team wants.
 *
 * Throws a Refusal with exit code 2 for a source that is none.
 */
export function newestOf(source: string, teams: readonly TeamSource[]): { text: string; ref?: string | undefined } {
  const parsed = parseSource(source);
  for (const team of teams) {
    const { from, ref } = typeof team === 'string' ? { from: team, ref: undefined } : team;
    if (isSame(parsed, parseSource(from))) return { text: placed(parsed, from), ref };
  }
  if (parsed.kind !== 'npm') return { text: source };
  return { text: placed(parsed, `npm:${parsed.name}@latest`) };
}

function isSame(one: Source, other: Source): boolean {
  if (one.kind === 'npm') return other.kind === 'npm' && one.name === other.name;
  return one.kind === 'git' && other.kind === 'git' && one.url === other.url;
}

/** The chosen folder stays the one that the task came from. */
function placed({ kind, within }: Source, text: string): string {
  const bare = text.replace(/#.*$/s, '');
  return within === '' || (kind === 'git' && !text.includes('#') && text.includes(within)) ? text : `${bare}#${within}`;
}
