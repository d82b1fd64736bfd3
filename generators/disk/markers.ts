/** Finds the conflict markers that git leaves in a file that it could not merge. */

/** The lines of a conflict, from 1: from the line with <<<<<<< to the line with >>>>>>>. */
export interface Conflict {
  readonly from: number;
  readonly to: number;
}

/** The conflicts in a file; one without an end goes to the end of the file. */
export function conflictsIn(text: string): Conflict[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (!line.startsWith('<<<<<<< ')) return [];
    const end = lines.findIndex((each, at) => at > index && each.startsWith('>>>>>>>'));
    return [{ from: index + 1, to: end < 0 ? lines.length : end + 1 }];
  });
}

/** Why divvy cannot read a file with conflicts. */
export const whyUnmerged = (conflicts: readonly Conflict[]): string =>
  `git could not merge it: ${conflicts.map(({ from, to }) => `lines ${from} to ${to}`).join(', ')} still have conflict markers`;
