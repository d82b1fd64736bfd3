/**
 * `--control`: asks something of the task's run that goes on, such as a pause. Runs in its own process, beside that of the
 * run. Internal.
 */

import { ask } from '../control/ask.ts';
import { controlRefused, noControl, noRunGoesOn, notAControl, runsGoOn } from '../control/errors.ts';
import { type ControlAnswer, type ControlRequest, ITS_WORKERS, type RunningStatus } from '../control/messages.ts';
import { DivvyError } from '../errors.ts';
import { machineHere } from '../journal/processes.ts';
import { WORKERS_MAX } from '../options.ts';
import { shellWords, visible } from '../text/shell.ts';
import { grouped, plural, seconds } from '../text/words.ts';
import { runsOf, type Status } from './status.ts';

/** Returns what the text behind `--control` asks for. Throws UsageError. */
export function controlRequest(text: string): ControlRequest {
  const [, word = '', value = ''] = /^(\S*)(?: (.*))?$/s.exec(text) ?? [];
  if ((word === 'pause' || word === 'continue') && value === '') return { do: word };
  if (word === 'stop' && (value === '' || value === 'now')) return { do: 'stop', now: value === 'now' };
  if (word === 'cancel' && value !== '') return { do: 'cancel', key: value };
  const workers = /^\d+$/.test(value) ? Number(value) : 0;
  if (word === 'workers' && workers >= 1 && workers <= WORKERS_MAX) return { do: 'workers', workers };
  throw notAControl(text, WORKERS_MAX);
}

/**
 * Asks the task's run that goes on. Rejects with DivvyError: 1 if none goes on, if several do, and if it refuses or does
 * not answer.
 */
export async function control(
  taskFile: string,
  args: readonly string[],
  journal: string | undefined,
  request: ControlRequest,
): Promise<{ run: Status; answer: ControlAnswer }> {
  const isGoing = (run: object): run is Status => 'state' in run && run.state === 'running';
  const all = runsOf(taskFile, [], journal).filter(isGoing);
  // Several may go on: one is named by its id, or by its arguments.
  const named = all.filter(({ runId }) => args.length === 1 && args[0] === runId);
  const going = named.length > 0 ? named : runsOf(taskFile, args, journal).filter(isGoing);
  const [run] = going;
  if (!run) throw noRunGoesOn(taskFile, args);
  if (going.length > 1) throw runsGoOn(going.map((each) => `${each.runId} ${shellWords(each.args)}`.trim()));
  const answer = await ask(socketOf(run), request);
  if (!answer.ok) throw controlRefused(run.runId, visible(answer.text));
  return { run, answer };
}

/** Resolves with what a running run says of itself, or with the reason why it says nothing. */
export async function askStatus(run: Status): Promise<RunningStatus | DivvyError> {
  try {
    const { status, text } = await ask(socketOf(run), { do: 'status' });
    return status ?? controlRefused(run.runId, text);
  } catch (error) {
    if (error instanceof DivvyError) return error;
    throw error;
  }
}

function socketOf({ runId, control, host, pid }: Status): string {
  if (control === undefined || host !== machineHere().host) throw noControl(runId, pid, host);
  return control;
}

/** Returns how a running run stands, in lines for people. */
export function describeRunning(status: RunningStatus): string[] {
  const { state, counts, met, total, perSecond, leftMs, waitsFor, workers } = status;
  const { failed, retried } = counts;
  const parts = [
    total === undefined ? plural(met, 'item') : `${grouped(met)} of ${grouped(total)} items`,
    ...(perSecond > 0 && state !== 'paused' ? [`${grouped(Number(perSecond.toPrecision(3)))}/s`] : []),
    ...(leftMs === undefined ? [] : [`${seconds(leftMs)} left`]),
    ...(failed > 0 ? [`${grouped(failed)} failed`] : []),
    ...(retried > 0 ? [`${grouped(retried)} retried`] : []),
  ];
  // An ordinary run waits for its workers, and a paused one says so itself.
  const waits = state === 'paused' || waitsFor === ITS_WORKERS ? '' : `; waits for ${waitsFor}`;
  return [
    `  ${state}: ${parts.join(', ')}${waits}`,
    ...workers.map(({ number, pid, items }) => {
      const at = items.map(
        (item) => `item ${item.number}${item.key === '' ? '' : ` (${item.key})`} for ${seconds(item.ms)}`,
      );
      return `  ${pid === undefined ? 'in the queue and on hosts' : `worker ${number} (process ${pid})`}: ${at.join(', ') || 'no item'}`;
    }),
  ];
}
