/** How the queue of a task stands, from any machine. Runs in the process of `--status`. */

import { DivvyError } from '../errors.ts';
import { plural } from '../text/words.ts';
import type { Feed, HostNotice, QueueCounts } from './engine.ts';
import { noticeIn } from './notice.ts';

export interface QueueStatus {
  /** Null if no run has been announced. */
  readonly run: { readonly runId: string; readonly isOver: boolean; readonly release: string } | null;
  /** False: a run that is not over was killed, or its dispatcher can't reach the queue. */
  readonly hasDispatcher: boolean;
  readonly hosts: readonly HostNotice[];
  readonly chunks: QueueCounts;
}

export async function statusOfQueue(feed: Feed): Promise<QueueStatus> {
  const published = await feed.notice();
  const notice = published && noticeIn(published.text);
  const run = notice ? { runId: notice.runId, isOver: notice.isOver, release: notice.release } : null;
  const [hasDispatcher, hosts, chunks] = await Promise.all([feed.hasDispatcher(), feed.hosts(), feed.counts()]);
  return { run, hasDispatcher, hosts, chunks };
}

/** Nobody wants to wait for an answer to how things stand. */
export const unreachable = (problem: string): DivvyError =>
  new DivvyError(`the queue can't be reached, so nobody can tell how it stands: ${problem}`, 1);

export function statusLines(task: string, { run, hasDispatcher, hosts, chunks }: QueueStatus): string[] {
  const { waiting, active, finished } = chunks;
  return [
    run ? `${task}: run ${run.runId} ${run.isOver ? 'has ended' : 'goes on'}` : `${task}: no run has been announced`,
    ...(run && !run.isOver && !hasDispatcher
      ? ['  its dispatcher is gone, or cut off: if it is gone, resume the run on its machine, with --resume']
      : []),
    `  ${plural(hosts.length, 'host')}${hosts.length > 0 ? ':' : ''}`,
    ...hosts.map(({ name, capacity }) => `    ${name}, ${plural(capacity, 'item')} at once`),
    `  chunks: ${waiting} waiting, ${active} in progress, ${finished} to be recorded`,
  ];
}
