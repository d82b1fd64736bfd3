// A run over several machines, with every fault that there is, by a clock of its own: the rules of the dispatcher (window.ts)
// and of hosts (holdings.ts) are the real ones. Everything else here is a model of what surrounds them.
import { itemsIn, reportIn } from '../../../runtime/engine/chunk.ts';
import type { QueuedChunk } from '../../../runtime/engine/engine.ts';
import { Holdings } from '../../../runtime/engine/holdings.ts';
import { type Learned, Window } from '../../../runtime/engine/window.ts';
import { Random } from '../simulator/random.ts';
import { MemoryQueue } from './memory-queue.ts';

const LOCK_MS = 10_000;
const PATIENCE_MS = 3_600_000;

interface Running {
  readonly number: number;
  readonly endsAt: number;
}

interface Host {
  readonly name: string;
  readonly holdings: Holdings;
  readonly slots: number;
  /** Items that wait here for a slot. */
  readonly waiting: number[];
  running: Running[];
  /** Items of a suspect chunk, which run one at a time with nothing else. */
  readonly suspects: number[];
  /** Until when the queue can't be reached from here. */
  cutUntil: number;
  /** Until when the master is stopped: it does nothing, but its workers go on. */
  stoppedUntil: number;
}

/** What a run must never do; undefined if it did not. */
export type Violation = string | undefined;

/** What happens in a run, in words; only for a person who looks for a fault. */
export type Story = (line: string) => void;

class Simulation {
  readonly #random: () => number;
  readonly #tell: Story;
  readonly #queue: MemoryQueue;
  readonly #total: number;
  readonly #slowest: number;
  /** The journal: how often each item was recorded. */
  readonly #recorded = new Map<number, number>();
  #now = 0;
  #dispatchers = 0;
  #dispatcher = '';
  /** The start of the server that this dispatcher knows of. */
  #server = 0;
  /** Undefined until it has taken over what is in the queue. */
  #window: Window | undefined;
  /** Until when it waits before it does so. */
  #waitsUntil = -Infinity;
  /** When it was seen last that the queue has forgotten something. */
  #forgottenAt = -Infinity;
  /** What dispatchers had said when they ended, and the queue has not got yet. */
  readonly #late: { readonly stamp: string; readonly chunks: readonly QueuedChunk[] }[] = [];
  /** Something has happened after which chunks may be taken out that could not begin. */
  #mayDiscard = false;
  /** Items whose outcome the queue knows, as long as it loses nothing. */
  readonly #reported = new Set<number>();
  /** Items that this dispatcher has handed to its window. */
  #handed = new Set<number>();
  /** Items whose outcome is known, and that are about to be recorded. */
  #settling: number[] = [];
  #hosts: Host[] = [];
  #made = 0;
  #violation: Violation;
  #awayUntil = 0;
  #lookedAt = 0;

  constructor(seed: number, tell: Story) {
    this.#random = new Random(seed).next;
    this.#tell = tell;
    this.#queue = new MemoryQueue(() => this.#now, LOCK_MS);
    this.#queue.discarded = (text) => {
      if (!this.#mayDiscard) this.#violation = 'a chunk was taken out though it could begin';
      for (const { number } of itemsIn(text)) this.#reported.delete(number);
    };
    this.#total = 1 + this.#below(60);
    this.#slowest = [10, 500, 4000, 30_000][this.#below(4)] ?? 10;
    this.#dispatcherBegins();
    for (let count = 1 + this.#below(4); count > 0; count--) this.#hostBegins();
  }

  run(): Violation {
    for (let step = 0; step < 400 && !this.#violation; step++) this.#step(true);
    this.#tell('no more faults');
    if (this.#hosts.length === 0) this.#hostBegins();
    const until = this.#now + PATIENCE_MS;
    while (!this.#violation && !this.#isOver && this.#now < until) this.#step(false);
    if (this.#violation) return this.#violation;
    if (!this.#isOver)
      return `after an hour without a fault ${this.#total - this.#recorded.size} items have no outcome`;
    // A dispatcher that has just begun waits for a token, and what a server has gone back to has locks that nobody keeps.
    const end = Math.max(this.#now, this.#awayUntil) + 2 * LOCK_MS;
    while (this.#now < end || !this.#window) this.#step(false);
    this.#queue.forget(this.#window?.takeAll() ?? []);
    const { waiting, active, finished } = this.#queue.counts();
    if (waiting + active + finished > 0)
      return `left in the queue: ${waiting} waiting, ${active} active, ${finished} finished`;
    const twice = [...this.#recorded].find(([, count]) => count > 1);
    return twice && `item ${twice[0]} was recorded ${twice[1]} times`;
  }

  get #isOver(): boolean {
    return this.#recorded.size === this.#total;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #step(mayFail: boolean): void {
    this.#now += this.#below(mayFail ? 400 : 200);
    this.#workersGoOn();
    if (mayFail && this.#random() < 0.04) this.#fault();
    if (mayFail && this.#random() < 0.1) this.#queue.remember();
    if (this.#now >= this.#awayUntil) this.#dispatcherLooks();
    for (const host of this.#hosts) if (this.#now >= host.stoppedUntil) this.#hostLooks(host);
  }

  // ---- faults ----

  #fault(): void {
    const host = this.#hosts[this.#below(this.#hosts.length)];
    const forMs = this.#below(3 * LOCK_MS);
    switch (this.#below(11)) {
      case 0:
        this.#tell(`${this.#now}: the dispatcher is killed`);
        this.#dispatcherBegins();
        return;
      case 1:
        this.#tell(`${this.#now}: the queue is emptied`);
        this.#queue.flush();
        this.#reported.clear();
        this.#mayDiscard = true;
        return;
      case 2:
        this.#queue.shuffle(this.#random);
        return;
      case 3:
        this.#awayUntil = this.#now + forMs;
        for (const each of this.#hosts) each.cutUntil = Math.max(each.cutUntil, this.#awayUntil);
        this.#tell(`${this.#now}: the queue is down until ${this.#awayUntil}`);
        return;
      case 4:
        this.#hostBegins();
        return;
      case 5:
        if (this.#now >= this.#awayUntil) this.#dispatcherStops();
        return;
      case 6:
        this.#tell(`${this.#now}: the server starts again from its file`);
        this.#queue.restart();
        this.#reported.clear();
        this.#mayDiscard = true;
        return;
      case 7:
        this.#tell(`${this.#now}: what ended dispatchers have said arrives`);
        for (const { stamp, chunks } of this.#late.splice(0)) this.#queue.put(stamp, chunks);
        this.#mayDiscard = true;
        return;
    }
    if (!host) return;
    switch (this.#below(4)) {
      case 0:
        this.#tell(`${this.#now}: ${host.name} is killed`);
        this.#hosts = this.#hosts.filter((other) => other !== host);
        return;
      case 1:
        host.cutUntil = this.#now + forMs;
        this.#tell(`${this.#now}: ${host.name} is cut off until ${host.cutUntil}`);
        return;
      case 2:
        host.stoppedUntil = this.#now + forMs;
        this.#tell(`${this.#now}: ${host.name} is stopped until ${host.stoppedUntil}`);
        return;
      case 3:
        this.#tell(`${this.#now}: ${host.name} leaves`);
        for (const { id, outcomes } of host.holdings.takeRest()) {
          if (this.#now < host.cutUntil) break;
          if (outcomes !== undefined) this.#report(host, id, outcomes);
          this.#queue.giveBack(host.name, id);
        }
        this.#hosts = this.#hosts.filter((other) => other !== host);
    }
  }

  // ---- the dispatcher ----

  #dispatcherBegins(): void {
    if (this.#window) this.#late.push({ stamp: this.#stamp, chunks: this.#window.cut(1) });
    // If not, the next one waits until its token has run out.
    if (this.#random() < 0.5) this.#queue.resign(this.#dispatcher, undefined);
    this.#dispatchers += 1;
    this.#dispatcher = `dispatcher ${this.#dispatchers}`;
    this.#window = undefined;
    this.#waitsUntil = -Infinity;
    this.#forgottenAt = -Infinity;
    this.#settling = [];
    this.#handed = new Set();
  }

  get #stamp(): string {
    return `${this.#dispatcher} ${this.#server}`;
  }

  /** Returns whether it has the queue. */
  #claims(): boolean {
    const server = this.#queue.claim(this.#dispatcher, this.#window !== undefined);
    if (server === undefined && this.#window) this.#dispatcherBegins();
    this.#server = server ?? this.#server;
    return server !== undefined;
  }

  #dispatcherAdopts(): void {
    const left = this.#queue.adopt(this.#dispatcher);
    if (!left) return;
    // Nobody knows what hosts still work on.
    if (this.#dispatchers > 1 && left.hasForgotten) this.#waitsUntil = this.#now + LOCK_MS;
    if (this.#now < this.#waitsUntil) return;
    this.#window = new Window({
      prefix: `run.${this.#dispatchers}`,
      lockMs: LOCK_MS,
      most: Infinity,
      hasOwnKeys: true,
    });
    this.#window.adopt(left);
    this.#queue.publish(this.#dispatcher, 'a run', true);
  }

  /** It takes back what no host holds; then it may be killed. */
  #dispatcherStops(): void {
    const window = this.#window;
    if (!window) return;
    this.#tell(`${this.#now}: the dispatcher stops`);
    for (const { id, report } of this.#queue.withdraw(this.#dispatcher)) {
      if (report !== undefined) this.#settling.push(...numbersIn(window.reported(id, report)));
      for (const number of window.withdrawn([id])) this.#handed.delete(number);
    }
    for (const number of this.#settling.splice(0)) {
      this.#recorded.set(number, (this.#recorded.get(number) ?? 0) + 1);
      window.counted(number, 1);
    }
    if (this.#random() < 0.5) this.#dispatcherBegins();
  }

  #dispatcherLooks(): void {
    if ((!this.#window || this.#random() < 0.3) && !this.#claims()) return;
    const window = this.#window;
    if (!window) {
      this.#dispatcherAdopts();
      return;
    }
    // Some outcomes are recorded, which are those that the journal has if the dispatcher is killed now.
    for (const number of this.#settling.splice(0, this.#below(1 + this.#settling.length * 2))) {
      this.#recorded.set(number, (this.#recorded.get(number) ?? 0) + 1);
      window.counted(number, 1);
    }
    const next = Array.from({ length: this.#total }, (_, at) => at + 1)
      .filter((number) => !this.#handed.has(number) && !this.#recorded.has(number))
      .slice(0, Math.max(0, 20 - window.size));
    for (const number of next) this.#handed.add(number);
    const items = next.map((number) => {
      return { number, key: `key ${number}`, occurrence: 1, place: undefined, body: JSON.stringify({ number }) };
    });
    const learned = [...window.take(items)];
    this.#queue.put(this.#stamp, window.cut(1 + this.#below(4)));
    for (const chunk of this.#queue.finished()) learned.push(...window.finished(chunk));
    if (this.#random() < 0.2)
      for (const { id, outcomes } of this.#queue.reports()) learned.push(...window.reported(id, outcomes));
    this.#settling.push(...numbersIn(learned));
    if (this.#now - this.#lookedAt > 5000) {
      this.#lookedAt = this.#now;
      const { expected } = window;
      const missing = this.#queue.missing(this.#dispatcher, expected);
      this.#queue.put(this.#stamp, window.looked(expected, missing, { sentAt: this.#now, answeredAt: this.#now }));
    }
    this.#queue.forget(window.takeForgettable());
    this.#dispatcherSaysWhatGoesOn(window);
  }

  #dispatcherSaysWhatGoesOn(window: Window): void {
    const { notice } = this.#queue;
    if (!notice) {
      this.#queue.publish(this.#dispatcher, 'a run', false);
      this.#forgottenAt = this.#now;
    } else if (!notice.isWhole && this.#now - this.#forgottenAt >= LOCK_MS) {
      const missing = this.#queue.missing(this.#dispatcher, window.expected);
      if (missing.length === 0) this.#queue.publish(this.#dispatcher, 'a run', true);
    }
  }

  // ---- hosts ----

  #hostBegins(): void {
    const name = `host ${++this.#made}`;
    const holdings = new Holdings({ host: name, lockMs: LOCK_MS, maxCrashes: 1000 });
    const lists = { waiting: [], running: [], suspects: [] };
    this.#hosts.push({ name, holdings, slots: 1 + this.#below(3), ...lists, cutUntil: 0, stoppedUntil: 0 });
  }

  /** Workers obey the fence by themselves. */
  #workersGoOn(): void {
    for (const host of this.#hosts) {
      const { fenceAt } = host.holdings;
      if (this.#now >= fenceAt) host.running = [];
      // What ends while the master is stopped waits in its socket.
      if (this.#now < host.stoppedUntil) continue;
      for (const item of host.running.filter(({ endsAt }) => endsAt <= this.#now)) {
        host.running = host.running.filter((other) => other !== item);
        // Less than it took: so chunks have several items, which may end in different hosts.
        host.holdings.ended(item.number, {
          ...{ isDone: true, attempts: 1, crashes: 0, durationMs: 1 + this.#below(100), body: Buffer.alloc(0) },
        });
      }
    }
  }

  #hostLooks(host: Host): void {
    const { holdings } = host;
    if (this.#now >= holdings.fenceAt) {
      this.#fencedOff(host);
      return;
    }
    if (this.#now >= host.cutUntil) this.#hostTalks(host);
    if (!this.#hosts.includes(host)) return;
    const next = host.suspects[0];
    if (next !== undefined && host.running.length + host.waiting.length === 0) {
      const mark = this.#now >= host.cutUntil ? holdings.alone(next) : undefined;
      const isHeld = mark && this.#queue.report(host.name, mark.id, mark.outcomes);
      if (isHeld) this.#start(host, host.suspects.shift() ?? 0);
    }
    while (host.running.length < host.slots && host.waiting.length > 0) this.#start(host, host.waiting.shift() ?? 0);
  }

  #hostTalks(host: Host): void {
    const { holdings, name } = host;
    for (const { id, outcomes } of holdings.complete) {
      this.#queue.finish(name, id, outcomes);
      holdings.dropped(id);
    }
    for (const { id, outcomes } of holdings.takeReports(this.#now)) this.#report(host, id, outcomes);
    if (holdings.ids.length > 0 && this.#random() < 0.3) {
      const lost = this.#queue.renew(name, holdings.ids);
      holdings.renewed(holdings.ids, this.#now);
      if (lost.length > 0) {
        this.#fencedOff(host);
        return;
      }
    }
    if (host.waiting.length + host.suspects.length > 0 || host.running.length >= host.slots) return;
    const chunk = this.#queue.take(name);
    if (!chunk) return;
    if (holdings.ids.includes(chunk.id)) {
      this.#fencedOff(host);
      return;
    }
    const { items, isSuspect } = holdings.accept(chunk, this.#now);
    const numbers = items.map(({ number }) => number);
    (isSuspect ? host.suspects : host.waiting).push(...numbers);
  }

  #report({ name }: Host, id: string, outcomes: string): void {
    if (!this.#queue.report(name, id, outcomes)) return;
    const items = itemsIn(this.#queue.textOf(id));
    for (const { at, count } of reportIn(outcomes).outcomes)
      for (const { number } of items.slice(at, at + count)) this.#reported.add(number);
  }

  #fencedOff(host: Host): void {
    this.#tell(`${this.#now}: ${host.name} is fenced off`);
    this.#hosts = this.#hosts.filter((other) => other !== host);
    this.#hostBegins();
  }

  #start(host: Host, number: number): void {
    const other = this.#hosts.find(({ running }) => running.some((item) => item.number === number));
    if (other) this.#violation = `item ${number} begins on ${host.name} while it is in progress on ${other.name}`;
    if (this.#reported.has(number))
      this.#violation = `item ${number} begins again on ${host.name}, though its end was reported`;
    this.#tell(`${this.#now}: ${host.name} begins item ${number}`);
    host.running.push({ number, endsAt: this.#now + this.#below(this.#slowest) });
  }
}

/** The numbers of the items of these outcomes. */
const numbersIn = (learned: readonly Learned[]): number[] =>
  learned.flatMap(({ number, count }) => Array.from({ length: count }, (_, at) => number + at));

export function violationOf(seed: number, tell: Story = () => undefined): Violation {
  return new Simulation(seed, tell).run();
}
