// A project whose task declares arguments, and its runs.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { type Ended, RUNNER, type RunOptions, TaskRun, taskFile } from '../run-task.ts';

export const TOKEN = 'open sesame';
export const NEEDED = ['table=users', `token=${TOKEN}`];

/** A project of its own with the task `declares`. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'divvy-arguments-'));
  readonly task = join(this.folder, 'declares.ts');

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    writeFileSync(join(this.folder, 'divvy.json'), '{}');
    symlinkSync(taskFile('declares'), this.task);
  }

  run(words: readonly string[], options: RunOptions & { before?: readonly string[] } = {}): TaskRun {
    return new TaskRun([process.execPath, RUNNER, ...(options.before ?? ['-n', '1']), this.task, ...words], options);
  }

  ended(words: readonly string[], options?: RunOptions & { before?: readonly string[] }): Promise<Ended> {
    return this.run(words, options).ended();
  }

  get hasJournals(): boolean {
    return existsSync(join(this.folder, '.divvy'));
  }

  get journals(): string[] {
    const folder = join(this.folder, '.divvy/declares');
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  }

  /** The `run` lines of each journal. */
  get runs(): (JournalRecord & { type: 'run' })[][] {
    const records = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as JournalRecord);
    return this.journals.map((text) => records(text).filter((each) => each.type === 'run'));
  }
}

/** What the task says that it was given. */
export const said = ({ stdout }: Ended, who: 'master' | 'worker'): unknown =>
  JSON.parse(new RegExp(`^${who} (.*)$`, 'm').exec(stdout)?.[1] ?? 'null');
