// A queue in memory that does what runtime/engine/engine.ts asks for, and what no real one is asked to: it loses everything,
// goes back to what it was, and hands chunks out of order. By a clock of its own.
import type {
  Engine,
  Feed,
  HostNotice,
  Leftovers,
  Membership,
  PublishedNotice,
  QueueCounts,
  QueuedChunk,
  QueueOptions,
  ReportedChunk,
  TakenChunk,
} from '../../../runtime/engine/engine.ts';

interface Entry {
  readonly text: string;
  /** Who has put or adopted it, and at which start of the server. */
  stamp: string;
  state: 'waiting' | 'active' | 'finished';
  holder: string | undefined;
  lockedUntil: number;
  lapses: number;
  report: string | undefined;
  outcomes: string | undefined;
}

/** How long a host that says nothing is there, in milliseconds. */
const SILENT_MS = 7000;

/** All that a server has. */
interface State {
  /** In the order in which chunks wait. */
  entries: Map<string, Entry>;
  hosts: Map<string, { readonly notice: HostNotice; at: number }>;
  token: { readonly holder: string; until: number } | undefined;
  owner: string | undefined;
  notice: (PublishedNotice & { readonly server: number }) | undefined;
  /** Which dispatcher has set it, and at which start of the server. */
  witness: string | undefined;
}

const emptyState = (): State => {
  const nothing = { token: undefined, owner: undefined, notice: undefined, witness: undefined };
  return { entries: new Map(), hosts: new Map(), ...nothing };
};

export class MemoryQueue {
  readonly #now: () => number;
  readonly #lockMs: number;
  #state = emptyState();
  #remembered = emptyState();
  /** Which start of the server this is. */
  server = 1;
  /** Told of the text of each chunk that a host must not begin, and that is taken out. */
  discarded: (text: string) => void = () => undefined;

  constructor(now: () => number, lockMs: number) {
    this.#now = now;
    this.#lockMs = lockMs;
  }

  /** The server loses all that it has. */
  flush(): void {
    this.#state = emptyState();
  }

  /** The server writes what it has into a file. */
  remember(): void {
    this.#remembered = structuredClone(this.#state);
  }

  /** The server starts again, from its file. */
  restart(): void {
    this.#state = structuredClone(this.#remembered);
    this.server += 1;
  }

  /** What waits is handed out in another order. */
  shuffle(random: () => number): void {
    const entries = [...this.#state.entries].map((entry) => ({ entry, at: random() }));
    this.#state.entries = new Map(entries.sort((a, b) => a.at - b.at).map(({ entry }) => entry));
  }

  /** Returns the start of the server; undefined if another dispatcher has the token. */
  claim(holder: string, hasAdopted: boolean): number | undefined {
    const { token } = this.#state;
    if (token && token.holder !== holder && token.until > this.#now()) return undefined;
    const { owner } = this.#state;
    if (hasAdopted && owner !== undefined && owner !== holder) return undefined;
    this.#state.token = { holder, until: this.#now() + this.#lockMs };
    if (hasAdopted) this.#state.owner = holder;
    return this.server;
  }

  resign(holder: string, notice: string | undefined): void {
    const { token, owner } = this.#state;
    if (holder !== (token && token.until > this.#now() ? token.holder : owner)) return;
    if (notice !== undefined)
      this.#state.notice = { text: notice, isWhole: this.notice?.isWhole === true, server: this.server };
    this.#state.token = undefined;
  }

  publish(holder: string, text: string, isWhole: boolean): void {
    const stamp = `${holder} ${this.server}`;
    if (!this.#isHeldBy(holder) || (isWhole && this.#state.witness !== stamp)) return;
    this.#state.notice = { text, isWhole, server: this.server };
    this.#state.witness = stamp;
  }

  get notice(): PublishedNotice | undefined {
    const { notice } = this.#state;
    return notice?.server === this.server ? { text: notice.text, isWhole: notice.isWhole } : undefined;
  }

  get hasDispatcher(): boolean {
    const { token } = this.#state;
    return token !== undefined && token.until > this.#now();
  }

  #isHeldBy(holder: string): boolean {
    const { token } = this.#state;
    return token?.holder === holder && token.until > this.#now();
  }

  /** stamp - of the dispatcher, as it was when it said this: it may arrive late. */
  put(stamp: string, chunks: readonly QueuedChunk[]): void {
    for (const { id, text } of chunks) {
      if (this.#state.entries.has(id)) continue;
      const nothing = { holder: undefined, lockedUntil: 0, lapses: 0, report: undefined, outcomes: undefined };
      this.#state.entries.set(id, { text, stamp, state: 'waiting', ...nothing });
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
    for (const id of ids) this.#state.entries.delete(id);
  }

  missing(holder: string, ids: readonly string[]): string[] {
    if (!this.#isHeldBy(holder)) return [];
    this.#lapse();
    const isStale = ([, { stamp }]: [string, Entry]): boolean => stamp !== this.#stampOfNow;
    const stale = new Set(
      this.#those('waiting')
        .filter(isStale)
        .map(([id]) => id),
    );
    this.#discard(ids.filter((id) => stale.has(id)));
    return ids.filter((id) => !this.#state.entries.has(id));
  }

  withdraw(holder: string): { id: string; report: string | undefined }[] {
    if (!this.#isHeldBy(holder)) return [];
    this.#lapse();
    const own = this.#those('waiting').filter(([, { stamp }]) => stamp === this.#stampOfNow);
    const waiting = own.map(([id, { report }]) => ({ id, report }));
    this.forget(waiting.map(({ id }) => id));
    return waiting;
  }

  adopt(holder: string): Leftovers | undefined {
    if (!this.#isHeldBy(holder)) return undefined;
    this.#state.owner = holder;
    const isWhole = this.notice?.isWhole === true;
    const hasForgotten = !isWhole && this.#state.witness !== this.#stampOfNow;
    this.#state.witness = this.#stampOfNow;
    const stays = ({ report }: Entry): boolean => isWhole && report !== undefined;
    const goes = this.#those('waiting').filter(([, entry]) => !stays(entry));
    if (isWhole) this.forget(goes.map(([id]) => id));
    else this.#discard(goes.map(([id]) => id));
    if (isWhole) for (const entry of this.#state.entries.values()) entry.stamp = this.#stampOfNow;
    const active = [...this.#those('waiting'), ...this.#those('active')].map(([id, { text }]) => ({ id, text }));
    return { hasForgotten, active, finished: this.finished() };
  }

  counts(): QueueCounts {
    const count = (state: Entry['state']): number => this.#those(state).length;
    return { waiting: count('waiting'), active: count('active'), finished: count('finished') };
  }

  hosts(): HostNotice[] {
    return [...this.#state.hosts.values()].filter(({ at }) => this.#now() - at < SILENT_MS).map(({ notice }) => notice);
  }

  present(notice: HostNotice): void {
    this.#state.hosts.set(notice.id, { notice, at: this.#now() });
  }

  absent({ id }: HostNotice): void {
    this.#state.hosts.delete(id);
  }

  take(holder: string): TakenChunk | undefined {
    this.#lapse();
    const [found] = this.#those('waiting');
    if (!found) return undefined;
    const [id, entry] = found;
    if (entry.stamp !== this.#stampOfNow) {
      this.#discard([id]);
      return undefined;
    }
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

  report(holder: string, id: string, outcomes: string): boolean {
    const entry = this.#heldBy(holder, id);
    if (entry) entry.report = outcomes;
    return entry !== undefined;
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
    this.#state.entries.delete(id);
    this.#state.entries = new Map([[id, entry], ...this.#state.entries]);
  }

  textOf(id: string): string {
    return this.#state.entries.get(id)?.text ?? '';
  }

  #discard(ids: readonly string[]): void {
    for (const id of ids) this.discarded(this.textOf(id));
    this.forget(ids);
  }

  get #stampOfNow(): string {
    return `${this.#state.owner} ${this.server}`;
  }

  #those(state: Entry['state']): [string, Entry][] {
    return [...this.#state.entries].filter(([, entry]) => entry.state === state);
  }

  #heldBy(holder: string, id: string): Entry | undefined {
    const entry = this.#state.entries.get(id);
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
export function memoryEngine(now: () => number, queues: Map<string, MemoryQueue> = new Map()): Engine {
  let holders = 0;
  const queueOf = ({ task, lockMs }: QueueOptions): MemoryQueue => {
    const queue = queues.get(task) ?? new MemoryQueue(now, lockMs);
    queues.set(task, queue);
    return queue;
  };
  return {
    feed: async (options) => {
      const queue = queueOf(options);
      const holder = `dispatcher ${++holders}`;
      let server = 0;
      let hasAdopted = false;
      const feed: Feed = {
        claim: async () => {
          const now = queue.claim(holder, hasAdopted);
          server = now ?? server;
          return now !== undefined;
        },
        adopt: async () => {
          const left = queue.adopt(holder);
          hasAdopted ||= left !== undefined;
          return left;
        },
        publish: async (notice, isWhole) => queue.publish(holder, notice, isWhole),
        hasDispatcher: async () => queue.hasDispatcher,
        notice: async () => queue.notice,
        put: async (chunks) => queue.put(`${holder} ${server}`, chunks),
        finished: async (most) =>
          queue
            .finished()
            .slice(0, most)
            .map(({ id, outcomes }) => ({ id, outcomes })),
        reports: async () => queue.reports(),
        forget: async (ids) => queue.forget(ids),
        missing: async (ids) => queue.missing(holder, ids),
        withdraw: async () => queue.withdraw(holder),
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
        notice: async () => queue.notice?.text,
        present: async (host) => queue.present(host),
        absent: async (host) => queue.absent(host),
        take: async () => queue.take(holder),
        renew: async (ids) => queue.renew(holder, ids),
        report: async (id, outcomes) => queue.report(holder, id, outcomes),
        finish: async (id, outcomes) => queue.finish(holder, id, outcomes),
        giveBack: async (id) => queue.giveBack(holder, id),
        close: async () => undefined,
      };
      return membership;
    },
  };
}
