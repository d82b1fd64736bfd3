// A project whose runs keep their results, and what is in the file.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Project } from './ledger.ts';

interface Line {
  readonly key: string;
  readonly number: number;
  readonly result: unknown;
}

export const linesOf = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

export class ResultsProject extends Project {
  readonly results = join(this.folder, 'results.ndjson');

  get args(): string[] {
    return ['--results', this.results];
  }

  get lines(): Line[] {
    return linesOf(this.results);
  }

  /** Each of the items has one line, and nothing else has. */
  expectOneLineEach(all: readonly string[]): void {
    const made = this.lines.map(({ result }) => result).sort();
    expect(made).toEqual(all.map((item) => `made of ${item}`).sort());
    const done = this.records().flatMap((record) => (record.type === 'done' ? record.keys : []));
    expect(this.lines.map(({ key }) => key).sort()).toEqual(done.sort());
    const size = Math.max(...this.records().map((record) => (record.type === 'done' ? (record.results ?? 0) : 0)));
    expect(statSync(this.results).size).toBe(size);
    expect(existsSync(`${this.results}.lock`)).toBe(false);
  }
}
