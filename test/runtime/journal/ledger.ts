/** A project of its own for the task `ledger`, whose journals are in it, and which says what was processed, where and when. */

import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { RUNNER, type RunOptions, TaskRun, taskFile } from '../run-task.ts';

/** What the task enters. */
export interface Entry {
  readonly what: 'start' | 'end';
  readonly pid: number;
  /** Tells its process from a later one of the same id: in a long test ids are used again. */
  readonly born: number;
  readonly item: string;
  readonly key: string;
  readonly attempt: number;
}

export class Project {
  readonly folder: string;
  readonly task: string;
  /** Where the task's journals are. */
  readonly journals: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #items: string;
  readonly #ledger: string;
  readonly #entries: Entry[] = [];
  #bytesRead = 0;

  constructor(items: readonly string[], { mark = 'divvy.json', within = tmpdir() } = {}) {
    this.folder = mkdtempSync(join(within, 'divvy-ledger '));
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(join(this.folder, 'tasks'));
    this.task = join(this.folder, 'tasks/ledger.ts');
    symlinkSync(taskFile('ledger'), this.task);
    if (mark !== '') writeFileSync(join(this.folder, mark), '{}');
    this.journals = join(this.folder, '.divvy/ledger');
    this.#items = join(this.folder, 'items.txt');
    this.#ledger = join(this.folder, 'ledger.ndjson');
    writeFileSync(this.#ledger, '');
    this.env = { ITEMS: this.#items, LEDGER: this.#ledger };
    this.dispatches(items);
  }

  /** From now on the task's dispatch yields these. */
  dispatches(items: readonly string[]): void {
    writeFileSync(this.#items, items.join('\n'));
  }

  /** Runs the task; `by` is another command in place of the runner. */
  run(args: readonly string[] = [], { by = [], env = {}, ...options }: RunOptions = {}): TaskRun {
    const command = [...by, process.execPath, RUNNER, this.task, ...args];
    return new TaskRun(command, { ...options, env: { ...this.env, ...env } });
  }

  /** How many entries there are. */
  get entered(): number {
    this.#readOn();
    return this.#entries.length;
  }

  /** Everything that was entered, from the `from`th entry on. */
  entries(from = 0): Entry[] {
    this.#readOn();
    return this.#entries.slice(from);
  }

  /** Reads what is new in the ledger: it is asked for often, and may be long. */
  #readOn(): void {
    const descriptor = openSync(this.#ledger, 'r');
    const bytes = Buffer.alloc(fstatSync(descriptor).size - this.#bytesRead);
    readSync(descriptor, bytes, 0, bytes.length, this.#bytesRead);
    closeSync(descriptor);
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1); // without what may be being written
    this.#bytesRead += whole.length;
    for (const line of whole.toString().split('\n')) if (line !== '') this.#entries.push(JSON.parse(line) as Entry);
  }

  /** The items that were processed to their end, in the order of their names. */
  processed(from = 0): string[] {
    return this.entries(from)
      .filter(({ what }) => what === 'end')
      .map(({ item }) => item)
      .sort();
  }

  /** The journals' names, the oldest first. */
  files(): string[] {
    return readdirSync(this.journals)
      .filter((name) => name.endsWith('.ndjson'))
      .sort();
  }

  /** The records of a journal; of the last one where none is named. */
  records(file = join(this.journals, this.files().at(-1) ?? '')): JournalRecord[] {
    return linesOf(file).map((line) => JSON.parse(line) as JournalRecord);
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}

/** What the task writes for an item where LINES is set. */
export function linesFor(item: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const line = index + 1;
    return `${item} line ${line} ${'x'.repeat(((line * 997 + item.length * 131) % 700) * (item.endsWith('7') ? 20 : 1))}.`;
  });
}

/** `a 1`, `a 2`, … */
export function items(count: number, name = 'item'): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index + 1}`);
}
