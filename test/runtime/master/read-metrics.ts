/** Reads a file of --metrics-file as Prometheus does, and waits for one. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A file of metrics: its values, by name and labels. */
export class Read {
  readonly text: string;
  readonly #values = new Map<string, number>();
  /** The labels of every series: `task` and `file`. */
  readonly common: ReadonlySet<string>;

  constructor(text: string) {
    this.text = text;
    const common = new Set<string>();
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('#')) continue;
      const [, name = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      const all = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text = '']) => [
        key,
        unescaped(text),
      ]);
      common.add(JSON.stringify(all.slice(0, 2)));
      const own = all.slice(2).map(([, text]) => text);
      this.#values.set([name.replace('divvy_', ''), ...own].join(' '), Number(value));
    }
    this.common = common;
  }

  /** Returns the value of a series: `items_total done`, `item_duration_seconds_bucket 0.1`. Undefined if it is not there. */
  value(series: string): number | undefined {
    return this.#values.get(series);
  }

  /** Returns several of them. */
  values(...series: string[]): (number | undefined)[] {
    return series.map((each) => this.value(each));
  }

  get outcomes(): Record<string, number | undefined> {
    const all = ['done', 'failed', 'skipped', 'unfinished'];
    return Object.fromEntries(all.map((outcome) => [outcome, this.value(`items_total ${outcome}`)]));
  }

  /** The upper bounds of the histogram, with how many items took at most so long. */
  get buckets(): [number, number][] {
    return [...this.#values].flatMap(([series, value]) => {
      const [, bound] = /^item_duration_seconds_bucket (.*)$/.exec(series) ?? [];
      return bound === undefined ? [] : [[bound === '+Inf' ? Infinity : Number(bound), value] as [number, number]];
    });
  }
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));

export const readMetrics = (file: string): Read => new Read(readFileSync(file, 'utf8'));

/** What promtool says against it: nothing, if all is well. */
export function complaints(text: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error) throw error;
  return status === 0 ? `${stdout}${stderr}` : `exit ${status}: ${stdout}${stderr}`;
}

/** Resolves with the file once it has what is looked for; it is looked at whenever something changes in its folder. */
export async function metricsWith(file: string, isIt: (metrics: Read) => boolean): Promise<Read> {
  const watcher = watch(dirname(file));
  try {
    for (;;) {
      const changed = once(watcher, 'change');
      if (existsSync(file)) {
        const metrics = readMetrics(file);
        if (isIt(metrics)) return metrics;
      }
      await changed;
    }
  } finally {
    watcher.close();
  }
}

/** What is left in the folder of a write that did not come to its end. */
export const leftBeside = (file: string): string[] =>
  readdirSync(dirname(file)).filter((name) => name.includes(basename(file)) && name !== basename(file));
