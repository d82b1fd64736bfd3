import { readFileSync, writeFileSync } from 'node:fs';
import Early, { children } from './early.ts';

const there = children();
const way = process.argv[2];
if (way === 'environment at load' && !process.env['DIVVY_WORKER']) process.env['FROM_DISPATCH'] = 'at load';
const OOM_SCORE = '/proc/self/oom_score_adj';
if (way === 'limits at load' && !process.env['DIVVY_WORKER']) writeFileSync(OOM_SCORE, '500');

/** Looks at who is there while its file is loaded. */
export default class EarlyAtLoad extends Early {
  override dispatch(): AsyncGenerator<number[]> {
    console.log(JSON.stringify(there));
    return super.dispatch();
  }

  override process(there: number[]): void {
    super.process(there);
    if (way === 'limits at load') console.log(readFileSync(OOM_SCORE, 'utf8'));
  }
}
