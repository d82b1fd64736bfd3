/** How the queue of a task stands, from any machine. Runs in the process of `--status`. */

import { plural } from '../text/words.ts';
import type { Feed, HostNotice, QueueCounts } from './engine.ts';
import { noticeIn } from './notice.ts';

export interface QueueStatus {
  /** Null if no run has been announced. */
  readonly run: { readonly runId: string; readonly isOver: boolean; readonly release: string } | null;
  readonly hosts: readonly HostNotice[];
  readonly chunks: QueueCounts;
}

export async function statusOfQueue(feed: Feed): Promise<QueueStatus> {
  const published = await feed.notice();
  const notice = published && noticeIn(published.text);
  const run = notice ? { runId: notice.runId, isOver: notice.isOver, release: notice.release } : null;
  return { run, hosts: await feed.hosts(), chunks: await feed.counts() };
}

export function statusLines(task: string, { run, hosts, chunks }: QueueStatus): string[] {
  const { waiting, active, finished } = chunks;
  return [
    run ? `${task}: run ${run.runId} ${run.isOver ? 'has ended' : 'goes on'}` : `${task}: no run has been announced`,
    `  ${plural(hosts.length, 'host')}${hosts.length > 0 ? ':' : ''}`,
    ...hosts.map(({ name, capacity }) => `    ${name}, ${plural(capacity, 'item')} at once`),
    `  chunks: ${waiting} waiting, ${active} in progress, ${finished} to be recorded`,
  ];
}
