/** Makes a report of a run, from the lines of its journal one by one. Runs in commands that show a run. Internal. */

import { type DoneRecord, type FailedRecord, itemName, type JournalRecord, keysOf } from '../journal/records.ts';
import { Tally } from '../journal/tally.ts';
import { cutTo, printable } from '../text/words.ts';
import { Axis } from './axis.ts';
import type { ReportData, SlowItem } from './data.ts';
import { Durations } from './durations.ts';
import { FailureGroups, keyShown, shortName } from './failures.ts';
import { Lanes } from './lanes.ts';
import { Parts } from './parts.ts';
import { SampleSeries } from './samples.ts';
import { Slowest } from './slowest.ts';
import { type How, Throughput } from './throughput.ts';

const NAME_MAX = 80;
/** Of the error with which a run failed. */
const WHY_MAX = 800;
/** How many hosts are known by their names. */
const HOSTS_MAX = 100;
/** No run takes three hundred years. */
const LONGEST_MS = 1e13;

/** What comes from the journal; the rest comes from whoever shows the run. */
export type Collected = Omit<
  ReportData,
  'state' | 'at' | 'next' | 'args' | 'options' | 'began' | 'taskFile' | 'folder' | 'cut'
>;

/** The report of one run. */
export class Collector {
  readonly tally: Tally = new Tally(({ ms, retried }) => this.#lost(ms, retried));
  readonly #axis = new Axis();
  readonly #throughput = new Throughput(this.#axis);
  readonly #lanes = new Lanes(this.#axis);
  readonly #parts = new Parts();
  readonly #durations = new Durations();
  readonly #failures = new FailureGroups();
  readonly #samples = new SampleSeries();
  readonly #slowest = new Slowest();
  /** The names of hosts, if the run is over several machines. */
  readonly #hosts: string[] = [];
  #retried = 0;
  #died = 0;
  #total: number | undefined;
  #isPaused = false;
  /** How far the run has come on the axis. */
  #nowMs = 0;

  see(record: JournalRecord): void {
    this.tally.see(record);
    switch (record.type) {
      case 'run':
        if (record.results !== undefined) this.#slowest.cutAt(record.results);
        this.#lanes.begins(this.#nowMs, record.options['concurrency']);
        this.#parts.begin(record, this.#nowMs);
        return;
      case 'tick':
        this.#reach(this.#parts.beganMs + record.ms);
        return;
      case 'worker':
        this.#lanes.forked(record.worker, this.#nowMs);
        return;
      case 'host':
        this.#lanes.joined(record.worker, this.#nowMs);
        if (record.worker <= HOSTS_MAX) this.#hosts[record.worker - 1] = cutTo(printable(record.name), NAME_MAX);
        return;
      case 'exit':
        this.#lanes.exited(record.worker, this.#nowMs, record.inOrder);
        if (!record.inOrder) this.#died += 1;
        return;
      case 'sample':
        this.#total = record.total ?? this.#total;
        this.#isPaused = record.paused === true;
        this.#samples.add(this.#nowMs, record);
        for (const [worker, megabytes] of record.memory) this.#lanes.remembers(worker, megabytes);
        return;
      case 'retry':
        this.#retried += 1;
        this.#took(record, 1, 'retried');
        return;
      case 'done':
        this.#done(record);
        return;
      case 'failed':
        this.#failed(record);
        return;
      case 'end':
        this.#parts.end(record);
        this.#lanes.allLeave(this.#nowMs);
    }
  }

  data(): Collected {
    const { done, failed, first, end } = this.tally;
    return {
      format: 1,
      runId: first?.runId ?? '',
      done,
      failed,
      retried: this.#retried,
      died: this.#died,
      tookMs: this.#nowMs,
      ...(this.#isPaused && !end && { paused: true as const }),
      ...(this.#total !== undefined && { total: this.#total }),
      ...(end?.stoppedBy !== undefined && { stoppedBy: cutTo(printable(end.stoppedBy), NAME_MAX) }),
      ...(end?.error !== undefined && { why: cutTo(printable(end.error), WHY_MAX) }),
      ...(end && { exitCode: end.exitCode, ended: cutTo(printable(String(end.at)), NAME_MAX) }),
      columns: this.#throughput.data(this.#lanes.running()),
      parts: this.#parts.data(this.#nowMs),
      partsLeftOut: this.#parts.leftOut,
      durations: this.#durations.data(),
      lanes: this.#lanes.data(this.#nowMs),
      ...(this.#hosts.length > 0 && { hosts: Array.from(this.#hosts, (name = '') => name) }),
      samples: this.#samples.data(),
      ...this.#failures.data(failed),
      slowest: this.#slowest.data(),
    };
  }

  #reach(ms: number): void {
    if (!(ms > this.#nowMs && ms < LONGEST_MS)) return; // what is no time does not move the clock
    this.#nowMs = ms;
    this.#axis.reach(ms);
  }

  #done(record: DoneRecord): void {
    const { keys, number, ms, worker, attempts, occurrence, places, results } = record;
    this.#took(record, keys.length, 'done');
    this.#durations.add(ms, keys.length, 'done');
    this.#parts.count('done', keys.length);
    for (const [index, key] of keys.entries()) {
      if (this.tally.isRetry) {
        const name = itemName(key, occurrence, places?.[index]);
        this.#replaced(this.#failures.done(name, results !== undefined), name);
      }
      if (!this.#slowest.takes(ms)) {
        this.#slowest.leaveOut(ms);
        continue;
      }
      const item = {
        ...this.#shown(key, number + index),
        ms,
        worker,
        attempts,
        how: 'done',
        atMs: this.#nowMs,
      } as const;
      this.#slowest.note({ item, ...(results !== undefined && { results }) });
    }
  }

  #failed(record: FailedRecord): void {
    const { key, number, ms, worker, attempts, occurrence, place } = record;
    const name = itemName(key, occurrence, place);
    if (this.tally.isRetry) this.#replaced(this.#failures.failedAgain(name), name);
    const item = { ...this.#shown(key, number), ms, worker, attempts, how: 'failed', atMs: this.#nowMs } as const;
    this.#failures.add(record, name, item);
    this.#took(record, 1, 'failed');
    this.#parts.count('failed', 1);
    this.#add(item, name);
  }

  /** How an item is named: a hash says nothing to people. */
  #shown(key: string, number: number): Pick<SlowItem, 'key' | 'number'> {
    const { last } = this.tally;
    return last && keysOf(last) === 'own' ? { key: keyShown(key), number } : { number };
  }

  /** The failure of an item counts. */
  #add(item: SlowItem, name: string): void {
    if (item.ms === 0) return; // its worker died with it, so nobody knows how long it took
    this.#durations.add(item.ms, 1, 'failed');
    this.#slowest.note({ item, name: shortName(name) });
  }

  /** A retry has ended an item: its failure before counts no more, where each item counts once. */
  #replaced(item: SlowItem | undefined, name: string): void {
    if (item && item.ms > 0) this.#durations.remove(item.ms, 'failed');
    this.#slowest.replaced(item, shortName(name));
  }

  /** The result of an item that was done is lost. If a retry had done it, it has failed again. */
  #lost(ms: number, retried: string | undefined): void {
    this.#durations.remove(ms, 'done');
    const item = retried === undefined ? undefined : this.#failures.undone(retried);
    if (item && retried !== undefined) this.#add(item, retried);
  }

  /** Items of a worker have just ended, one after another, each in so many milliseconds. */
  #took({ worker, ms }: { readonly worker: number; readonly ms: number }, items: number, how: How): void {
    this.#throughput.ended(how, items, this.#nowMs);
    this.#lanes.ended(worker, items, items * ms, this.#nowMs, how);
  }
}
