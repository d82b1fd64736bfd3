// A queue in memory that does what runtime/engine/engine.ts asks for, and what no real one is asked to: it loses everything,
// hands chunks out of order, and forgets locks. By a clock of its own.
import type {
  Engine,
  Feed,
  HostNotice,
  Leftovers,
  Membership,
  QueueCounts,
  QueuedChunk,
  QueueOptions,
  ReportedChunk,
  TakenChunk,
} from '../../../runtime/engine/engine.ts';

interface Entry {
  readonly text: string;
  state: 'waiting' | 'active' | 'finished';
  holder: string | undefined;
  lockedUntil: number;
  lapses: number;
  report: string | undefined;
  outcomes: string | undefined;
}

/** How long a host that says nothing is there, in milliseconds. */
const SILENT_MS = 7000;

export class MemoryQueue {
  readonly #now: () => number;
  readonly #lockMs: number;
  /** In the order in which chunks wait. */
  #entries = new Map<string, Entry>();
  readonly #hosts = new Map<string, { readonly notice: HostNotice; at: number }>();
  #token: { readonly holder: string; until: number } | undefined;
  notice: string | undefined;

  constructor(now: () => number, lockMs: number) {
    this.#now = now;
    this.#lockMs = lockMs;
  }

  /** The server loses all that it has. */
  flush(): void {
    this.#entries.clear();
    this.#hosts.clear();
    this.#token = undefined;
    this.notice = undefined;
  }

  /** What waits is handed out in another order. */
  shuffle(random: () => number): void {
    const entries = [...this.#entries].map((entry) => ({ entry, at: random() }));
    this.#entries = new Map(entries.sort((a, b) => a.at - b.at).map(({ entry }) => entry));
  }

  claim(holder: string): boolean {
    const now = this.#now();
    if (this.#token && this.#token.holder !== holder && this.#token.until > now) return false;
    this.#token = { holder, until: now + this.#lockMs };
    return true;
  }

  resign(holder: string, notice: string | undefined): void {
    if (this.#token?.holder !== holder) return;
    this.#token = undefined;
    this.notice = notice ?? this.notice;
  }

  put(chunks: readonly QueuedChunk[]): void {
    for (const { id, text } of chunks) {
      if (this.#entries.has(id)) continue;
      const nothing = { holder: undefined, lockedUntil: 0, lapses: 0, report: undefined, outcomes: undefined };
      this.#entries.set(id, { text, state: 'waiting', ...nothing });
    }
  }

  finished(): (QueuedChunk & ReportedChunk)[] {
    return this.#those('finished').map(([id, { text, outcomes = '' }]) => ({ id, text, outcomes }));
  }

  reports(): { id: string; outcomes: string }[] {
    return this.#those('active').flatMap(([id, { report }]) =>
      report === undefined ? [] : [{ id, outcomes: report }],
    );
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) this.#entries.delete(id);
  }

  missing(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#entries.has(id));
  }

  withdraw(): { id: string; report: string | undefined }[] {
    const waiting = this.#those('waiting').map(([id, { report }]) => ({ id, report }));
    this.forget(waiting.map(({ id }) => id));
    return waiting;
  }

  leftovers(): Leftovers {
    this.forget(this.#those('waiting').flatMap(([id, { report }]) => (report === undefined ? [id] : [])));
    const active = [...this.#those('waiting'), ...this.#those('active')].map(([id, { text }]) => ({ id, text }));
    return { active, finished: this.finished() };
  }

  counts(): QueueCounts {
    const count = (state: Entry['state']): number => this.#those(state).length;
    return { waiting: count('waiting'), active: count('active'), finished: count('finished') };
  }

  hosts(): HostNotice[] {
    return [...this.#hosts.values()].filter(({ at }) => this.#now() - at < SILENT_MS).map(({ notice }) => notice);
  }

  present(notice: HostNotice): void {
    this.#hosts.set(notice.id, { notice, at: this.#now() });
  }

  absent({ id }: HostNotice): void {
    this.#hosts.delete(id);
  }

  take(holder: string): TakenChunk | undefined {
    this.#lapse();
    const [found] = this.#those('waiting');
    if (!found) return undefined;
    const [id, entry] = found;
    entry.state = 'active';
    entry.holder = holder;
    entry.lockedUntil = this.#now() + this.#lockMs;
    return { id, text: entry.text, report: entry.report, lapses: entry.lapses };
  }

  renew(holder: string, ids: readonly string[]): string[] {
    this.#lapse();
    return ids.filter((id) => {
      const entry = this.#heldBy(holder, id);
      if (entry) entry.lockedUntil = this.#now() + this.#lockMs;
      return entry === undefined;
    });
  }

  /** As with BullMQ, anybody may report: nobody looks at the lock. Returns the chunk's text, if it is there. */
  report(id: string, outcomes: string): string | undefined {
    const entry = this.#entries.get(id);
    if (!entry || entry.state === 'finished') return undefined;
    entry.report = outcomes;
    return entry.text;
  }

  finish(holder: string, id: string, outcomes: string): boolean {
    const entry = this.#heldBy(holder, id);
    if (!entry) return false;
    entry.state = 'finished';
    entry.outcomes = outcomes;
    return true;
  }

  giveBack(holder: string, id: string): void {
    const entry = this.#heldBy(holder, id);
    if (!entry) return;
    entry.state = 'waiting';
    entry.holder = undefined;
    this.#entries.delete(id);
    this.#entries = new Map([[id, entry], ...this.#entries]);
  }

  #those(state: Entry['state']): [string, Entry][] {
    return [...this.#entries].filter(([, entry]) => entry.state === state);
  }

  #heldBy(holder: string, id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry?.state === 'active' && entry.holder === holder ? entry : undefined;
  }

  #lapse(): void {
    for (const [, entry] of this.#those('active')) {
      if (entry.lockedUntil > this.#now()) continue;
      entry.state = 'waiting';
      entry.holder = undefined;
      entry.lapses += 1;
    }
  }
}

/** The same behind the interface, a queue for each task. */
export function memoryEngine(now: () => number): Engine {
  let holders = 0;
  const queues = new Map<string, MemoryQueue>();
  const queueOf = ({ task, lockMs }: QueueOptions): MemoryQueue => {
    const queue = queues.get(task) ?? new MemoryQueue(now, lockMs);
    queues.set(task, queue);
    return queue;
  };
  return {
    feed: async (options) => {
      const queue = queueOf(options);
      const holder = `dispatcher ${++holders}`;
      const feed: Feed = {
        claim: async () => queue.claim(holder),
        publish: async (notice) => {
          queue.notice = notice;
        },
        notice: async () => queue.notice,
        put: async (chunks) => queue.put(chunks),
        finished: async (most) =>
          queue
            .finished()
            .slice(0, most)
            .map(({ id, outcomes }) => ({ id, outcomes })),
        reports: async () => queue.reports(),
        forget: async (ids) => queue.forget(ids),
        missing: async (ids) => queue.missing(ids),
        withdraw: async () => queue.withdraw(),
        leftovers: async () => queue.leftovers(),
        counts: async () => queue.counts(),
        hosts: async () => queue.hosts(),
        close: async (notice) => queue.resign(holder, notice),
      };
      return feed;
    },
    join: async (options) => {
      const queue = queueOf(options);
      const holder = `host ${++holders}`;
      const membership: Membership = {
        notice: async () => queue.notice,
        present: async (host) => queue.present(host),
        absent: async (host) => queue.absent(host),
        take: async () => queue.take(holder),
        renew: async (ids) => queue.renew(holder, ids),
        report: async (id, outcomes) => void queue.report(id, outcomes),
        finish: async (id, outcomes) => queue.finish(holder, id, outcomes),
        giveBack: async (id) => queue.giveBack(holder, id),
        close: async () => undefined,
      };
      return membership;
    },
  };
}
