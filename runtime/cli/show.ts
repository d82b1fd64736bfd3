/** What the command line can show without running a task, and what it asks of a run that goes on. Internal. */

import { noRunToReport } from '../journal/errors.ts';
import { shellWords, visible } from '../text/shell.ts';
import { version } from '../version.ts';
import type { Request } from './arguments.ts';
import { askStatus, control, controlRequest, describeRunning } from './control.ts';
import { showFailures } from './failures.ts';
import { help } from './help.ts';
import { describeRuns, describeStatus, lastStanding, noRunWith, runningBeside, runsOf, statusOf } from './status.ts';

/** Shows what the command line asks for, on stdout. */
export async function show(request: Exclude<Request, { want: 'run' }>): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (!('taskFile' in request)) {
    process.stdout.write(request.want === 'help' ? help() : `${version()}\n`);
  } else {
    const { want, taskFile, args, journal, json } = request;
    if (want === 'control') {
      const { run, answer } = await control(taskFile, args, journal, controlRequest(request.control));
      say(json ? JSON.stringify({ runId: run.runId, ...answer }) : `${run.runId}: ${visible(answer.text)}`);
      return;
    }
    if (want === 'runs') {
      const runs = runsOf(taskFile, args, journal);
      say(json ? JSON.stringify(runs) : runs.length === 0 ? noRunWith(args) : describeRuns(runs));
      return;
    }
    if (want === 'report-data' || want === 'report-live') {
      const { reportData, reportLive } = await import('./report-data.ts');
      const standing = lastStanding(taskFile, args, journal);
      if (!standing) throw noRunToReport(taskFile, shellWords(args));
      const sayData = (data: object): void => say(JSON.stringify(data));
      if (want === 'report-live') await reportLive(standing, taskFile, sayData);
      else sayData(reportData(standing, taskFile));
      return;
    }
    const status = statusOf(taskFile, args, journal);
    if (!status) {
      if (!json) say(noRunWith(args));
      else if (want === 'status') say('null');
      return;
    }
    if (want === 'failures') {
      showFailures(status, taskFile, json);
      return;
    }
    const others = runningBeside(status, taskFile);
    const now = status.state === 'running' ? await askStatus(status) : undefined;
    const isKnown = now !== undefined && !(now instanceof Error);
    if (json) {
      const more = isKnown ? { now: { ...now, lines: describeRunning(now) } } : now && { noAnswer: now.message };
      say(JSON.stringify({ ...status, ...more, ...(others.length > 0 && { others }) }));
    } else {
      say(describeStatus(status, taskFile));
      if (isKnown) for (const line of describeRunning(now)) say(visible(line));
      else if (now) say(visible(`  ${now.message}`));
      if (others.length > 0) say(visible(`going on, too: ${others.join(', ')}`));
    }
  }
}
