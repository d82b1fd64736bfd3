/** How a run stands, in a sentence. */

import { duration, grouped, plural } from './numbers.ts';
import type { ReportData } from './read.ts';

/** How the run stands, in a word for colours, and in words for people. */
export interface Verdict {
  readonly kind: 'good' | 'bad' | 'running' | 'open';
  readonly word: string;
  readonly sentence: string;
}

const UP_TO_DAMAGE = 'up to where the journal is damaged';

export function verdictOf(data: ReportData): Verdict {
  const { state, done, failed, total, tookMs } = data;
  const items = done + failed;
  const those =
    total !== undefined && total >= items ? `${grouped(items)} of ${plural(total, 'item')}` : plural(items, 'item');
  const took = duration(tookMs);
  const fate = failed > 0 ? `${grouped(done)} done, ${grouped(failed)} failed` : `${grouped(done)} done`;
  if (state === 'running')
    return {
      kind: 'running',
      word: data.paused ? 'Paused' : 'Running',
      sentence: retrySoFar(data) ?? `${those} ${upTo(data)}: ${fate}.`,
    };
  if (state === 'unknown')
    return {
      kind: 'open',
      word: 'How it ended is not known',
      sentence: `${those} ${UP_TO_DAMAGE}, in ${took}: ${fate}.`,
    };
  if (state === 'unfinished')
    return { kind: 'open', word: howItEnded(data), sentence: `${those} in ${took}: ${fate}. ${leftOf(data)}` };
  if (items === 0) return { kind: 'good', word: 'Complete', sentence: 'There was nothing to do.' };
  if (failed > 0)
    return { kind: 'bad', word: 'Complete, with failures', sentence: `${plural(items, 'item')} in ${took}: ${fate}.` };
  const all = done === 1 ? '1 item' : `All ${plural(done, 'item')}`;
  return { kind: 'good', word: 'Complete', sentence: `${all} done in ${took}.` };
}

const upTo = ({ cut }: ReportData): string => (cut === undefined ? 'so far' : UP_TO_DAMAGE);

/**
 * What a retry that goes on has done; undefined if none goes on. How many items it tries is not said: with
 * `--retry-failed=ERROR` it leaves some alone.
 */
function retrySoFar(data: ReportData): string | undefined {
  const part = data.parts.at(-1);
  if (part?.mode !== 'retry-failed') return undefined;
  const before = data.failed + part.done;
  const again = part.failed > 0 ? `, and ${grouped(part.failed)} failed again` : '';
  return `Trying failed items again: of ${plural(before, 'failed item')}, ${grouped(part.done)} ${part.done === 1 ? 'is' : 'are'} done ${upTo(data)}${again}.`;
}

function howItEnded({ stoppedBy, ended, exitCode = 0 }: ReportData): string {
  if (stoppedBy !== undefined)
    return stoppedBy === 'stdout closed' ? `Stopped: ${stopOf(stoppedBy)}` : `Stopped by ${stopOf(stoppedBy)}`;
  if (ended === undefined) return 'Cut short';
  return exitCode > 1 ? 'Failed' : 'Unfinished';
}

function leftOf({ parts, done, failed, total }: ReportData): string {
  if (parts.at(-1)?.mode !== 'retry-failed' && done + failed === total) return 'There may be more to do.';
  if (parts.at(-1)?.mode !== 'retry-failed') return 'The rest is left to do.';
  return `It was trying failed items again, and did not come to all of them: ${plural(failed, 'item')} still failed.`;
}

/** What the journal calls a stop, in words for people. */
const STOPS: Readonly<Record<string, string>> = { halt: '--halt', 'stdout closed': 'nobody reads stdout any more' };

/** What stopped a run, or a part of it. */
export const stopOf = (by: string): string => (Object.hasOwn(STOPS, by) ? (STOPS[by] ?? by) : by);
