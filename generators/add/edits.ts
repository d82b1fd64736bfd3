/** What a command has inserted into existing files, in words. */

import type { HostFiles } from '../host/host-files.ts';
import type { Insertion } from '../json/insertions.ts';
import { harmless } from '../terminal/harmless.ts';
import { table } from '../terminal/help.ts';

/** What was inserted into which existing file. */
export function editsOf(host: HostFiles): string[] {
  const rows = host.edited().map(({ path, added }) => [path, added.flatMap(inWords).join(', ')] as const);
  return rows.length === 0 ? [] : ['Edited, only by insertions:', ...table(rows), ''];
}

function inWords(insertion: Insertion): string[] {
  if ('was' in insertion) return [];
  if ('line' in insertion) return [harmless(insertion.line)];
  const at = [...insertion.at, 'key' in insertion ? insertion.key : JSON.stringify(insertion.element)];
  return [harmless(at.join(' '))];
}
