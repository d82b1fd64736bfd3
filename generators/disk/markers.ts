/** What git leaves in a file that it could not merge. */

/** The lines of a conflict, from 1: from that with <<<<<<< to that with >>>>>>>. */
export interface Conflict {
  readonly from: number;
  readonly to: number;
}

/** The conflicts in a file; one without an end goes to the file's. */
export function conflictsIn(text: string): Conflict[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (!line.startsWith('<<<<<<< ')) return [];
    const end = lines.findIndex((each, at) => at > index && each.startsWith('>>>>>>>'));
    return [{ from: index + 1, to: end < 0 ? lines.length : end + 1 }];
  });
}

/** Why a file with conflicts in it cannot be read. */
export const whyUnmerged = (conflicts: readonly Conflict[]): string =>
  `git could not merge it: ${conflicts.map(({ from, to }) => `lines ${from} to ${to}`).join(', ')} still have conflict markers`;
