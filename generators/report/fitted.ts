/** A page stays within 250 KB: texts that are too long for that are cut, by the bytes that they take in the page. */

import { escaped } from './html.ts';
import type { ReportData } from './read.ts';

/** What the texts of a report take at most, in bytes, once there is no room for all of them. */
const BYTES = { name: 320, key: 320, error: 2800, line: 8000, command: 16_000 };

/** How many bytes a text takes in a page. */
export const bytesOf = (text: string): number => Buffer.byteLength(escaped(text));

/** Returns the text, or so much of it as takes at most that many bytes in a page. */
function fittedText(text: string, bytes: number): string {
  if (bytesOf(text) <= bytes) return text;
  let left = bytes - bytesOf('…');
  let kept = '';
  for (const character of text) {
    left -= bytesOf(character);
    if (left < 0) break;
    kept += character;
  }
  return `${kept}…`;
}

/**
 * Returns the report with texts that take at most this share of that; with 1, as it is. A command is whole or left out: one
 * that was cut would be another one.
 */
export function fitted(data: ReportData, share: number): ReportData {
  if (share === 1) return data;
  const to = (text: string, most: keyof typeof BYTES): string => fittedText(text, Math.floor(BYTES[most] * share));
  const { stoppedBy, ended, cut, folder, parts, failures, slowest } = data;
  return {
    ...data,
    ...{ runId: to(data.runId, 'name'), began: to(data.began, 'name'), at: to(data.at, 'name') },
    ...(stoppedBy !== undefined && { stoppedBy: to(stoppedBy, 'name') }),
    ...(ended !== undefined && { ended: to(ended, 'name') }),
    ...(cut !== undefined && { cut: to(cut, 'line') }),
    ...(folder !== undefined && { folder: to(folder, 'line') }),
    ...{ args: to(data.args, 'line'), options: to(data.options, 'line') },
    next: data.next.filter((line) => bytesOf(line) <= BYTES.command * share),
    parts: parts.map(({ at, user, host, commit, release, how, ...part }) => ({
      ...part,
      ...{ at: to(at, 'name'), user: to(user, 'name'), host: to(host, 'name'), how: to(how, 'name') },
      ...(commit !== undefined && { commit: to(commit, 'name') }),
      ...(release !== undefined && { release: to(release, 'name') }),
    })),
    failures: failures.map((group) => ({
      ...group,
      error: to(group.error, 'error'),
      first: group.first.map((item) => (typeof item === 'string' ? to(item, 'key') : item)),
    })),
    slowest: slowest.map((item) => ({ ...item, ...(item.key !== undefined && { key: to(item.key, 'key') }) })),
  };
}
