/**
 * The engine on the command line: `--engine bullmq` begins a run as its dispatcher, with `--join` takes part as a host, and
 * with `--status` shows how the queue stands. cli/engine.ts loads it. Runs in the master.
 */

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { durationOf, type EngineValues, type Flags, type Request } from '../cli/arguments.ts';
import type { RunInRole } from '../cli/engine.ts';
import { mustBe, notTogether, Shutdown, UsageError } from '../errors.ts';
import { flagOf, type MasterOptions, OPTIONS, settingsOf } from '../options.ts';
import type { RunResult } from '../parallelizable.ts';
import { needTaskFile } from '../task/task.ts';
import { Dispatcher, refusalsTold } from './dispatcher.ts';
import type { Engine, HostNotice, Membership, QueueOptions } from './engine.ts';
import { Host, type HostOptions } from './host.ts';
import { inTime } from './in-time.ts';
import { type Code, checkCode, codeOf, type Notice, noticeIn, sharedOptions } from './notice.ts';
import { Problems } from './problems.ts';
import { shownUrl } from './shown-url.ts';
import { type QueueStatus, statusLines, statusOfQueue, unreachable } from './status.ts';

export const flags: Flags = {
  engine: { type: 'string' },
  'engine-url-file': { type: 'string' },
  join: { type: 'boolean' },
  stay: { type: 'boolean' },
  lock: { type: 'string' },
  'code-version': { type: 'string' },
  'accept-skew': { type: 'boolean' },
};

/** What `--engine bullmq --help` shows besides the options of every run. */
export const help: string = `
Over several machines (docs/engine.md says which end takes which option):
      --engine NAME           with this queue: bullmq
      --engine-url-file FILE  has the URL of the queue, in place of the variable DIVVY_ENGINE_URL
      --join                  be a host: work on the items that the dispatcher lists
      --stay                  with --join: wait for the next run, in place of ending with one
      --lock D                how long items belong to a host that says nothing (10s; from 5s to 1h)
      --code-version V        hosts need the same V, in place of the same files
      --accept-skew           with --join: take part although the code differs
`;

const URL_VARIABLE = 'DIVVY_ENGINE_URL';
const LOCK_MS = 10_000;
const LOCK_LEAST_MS = 5000;
const LOCK_MOST_MS = 3_600_000;
/** How often a host without a run asks for one, in milliseconds. */
const ASK_EVERY_MS = 500;
/** The options that are each host's own. The others are the dispatcher's. */
const HOST_OPTIONS: ReadonlySet<string> = new Set([
  ...['workers', 'concurrency', 'verbose', 'tag', 'socket', 'import', 'metricsFile'],
  ...['killAfterMs', 'forceAfterMs', 'graceMs', 'ignoreHup', 'concurrentRun'],
]);

type Say = (text: string, isProblem: boolean) => void;

/** Takes part in the runs of a task. Resolves with the result of the last one. Rejects as Master.run does. */
export async function run(request: Request & { want: 'run' }, say: Say, runInRole: RunInRole): Promise<RunResult> {
  const { taskFile, options, engine: values } = request;
  needTaskFile(path.resolve(taskFile));
  if (options.inline) throw notTogether('--inline', '--engine');
  if (options.dryRun) throw new UsageError('--dry-run needs no queue: leave out --engine');
  const code = codeOf(path.resolve(taskFile), values['code-version'] as string | undefined);
  if (values['join'] === true) return host(request, code, say, runInRole);
  for (const flag of ['stay', 'accept-skew'])
    if (values[flag] === true) throw new UsageError(`--${flag} goes with --join: it is for a host`);
  for (const [key, flag] of Object.entries({ workers: '-n', concurrency: '-c', tag: '--tag' }))
    if (key in options) throw new UsageError(`${flag} is for a host, with --join: the dispatcher runs no items`);
  return dispatch(request, code, say, runInRole);
}

async function dispatch(
  { taskFile, options, args, engine: values }: Request & { want: 'run' },
  code: Code,
  say: Say,
  runInRole: RunInRole,
): Promise<RunResult> {
  const { engine, queue } = await queueOf(taskFile, values, telling(say));
  const dispatcher = new Dispatcher({
    words: wordsOf(values, queue),
    feed: await engine.feed(queue),
    code,
    lockMs: queue.lockMs,
    say,
  });
  let isComplete = false;
  let over = (): void => undefined;
  try {
    const result = await runInRole(options, args, dispatcher, (way) => {
      dispatcher.failedBy = (fault) => {
        way.killAll();
        way.fail(fault);
      };
      over = way.over;
    });
    const isPart = options.limit !== undefined || (options.retryFailed ?? false) !== false;
    isComplete = !isPart && result.stoppedBy === undefined && result.counts.unfinished === 0;
    return result;
  } finally {
    over();
    await dispatcher.end(isComplete);
  }
}

async function host(
  { taskFile, options, args, engine: values }: Request & { want: 'run' },
  code: Code,
  say: Say,
  runInRole: RunInRole,
): Promise<RunResult> {
  checkHostOptions(options, values, args);
  const { engine, queue } = await queueOf(taskFile, values, telling(say));
  const own = Object.fromEntries(Object.entries(options).filter(([key]) => HOST_OPTIONS.has(key)));
  const { workers, concurrency } = settingsOf(own);
  let { lockMs } = queue;
  let runId: string | undefined;
  let membership = await engine.join(queue);
  const name = `${os.hostname()}:${process.pid}`; // in containers of one network other hosts may have the same
  const self = { id: `${name}:${randomBytes(4).toString('hex')}`, name, capacity: workers * concurrency };
  try {
    for (;;) {
      const notice = await nextRun(membership, self, say, queue);
      if (notice.runId !== runId) say(`takes part in run ${notice.runId}`, false);
      runId = notice.runId;
      checkCode(notice, code, values['accept-skew'] === true);
      if (notice.lockMs !== lockMs) {
        lockMs = notice.lockMs;
        await inTime(membership.close());
        membership = await engine.join({ ...queue, lockMs });
      }
      const { result, left } = await takePart({ membership, notice, own: self, say }, own, runInRole);
      if (isSignal(result) || left === 'stopped') return result;
      // What failed is the dispatcher's to tell.
      if (left === 'the run is over' && values['stay'] !== true) return { ...result, exitCode: 0 };
    }
  } finally {
    await inTime(membership.absent(self).then(() => membership.close()));
  }
}

/** Takes part in one run. Resolves once this host has left it. */
async function takePart(
  place: Omit<HostOptions, 'killAll'>,
  options: MasterOptions,
  runInRole: RunInRole,
): Promise<{ result: RunResult; left: Host['left'] }> {
  let killAll = (): void => undefined;
  const joined = new Host({ ...place, killAll: () => killAll() });
  const { notice } = place;
  const inRun = { ...options, ...sharedOptions(notice), journal: false, concurrentRun: true, items: joined.items() };
  let result: RunResult;
  try {
    result = await runInRole(inRun, notice.args, joined, (way) => {
      killAll = way.killAll;
    });
  } catch (error) {
    const isFenced = joined.left === 'fenced off' && error instanceof Shutdown;
    if (!isFenced || !error.result || isSignal(error.result)) throw error;
    result = error.result;
  } finally {
    await joined.end();
  }
  return { result, left: joined.left };
}

/** Says once that the queue is away, and once that it is back. */
const telling =
  (say: Say): QueueOptions['reached'] =>
  (problem) =>
    say(
      problem === undefined ? 'the queue can be reached again' : `the queue can't be reached, tries again: ${problem}`,
      problem !== undefined,
    );

/** The words that a resume needs. */
function wordsOf(values: EngineValues, { lockMs }: QueueOptions): string[] {
  const texts = ['engine-url-file', 'code-version'].flatMap((flag) =>
    values[flag] === undefined ? [] : [`--${flag}`, String(values[flag])],
  );
  const lock = lockMs % 1000 === 0 ? `${lockMs / 1000}s` : `${lockMs}ms`;
  return ['--engine', String(values['engine']), '--lock', lock, ...texts];
}

const isSignal = ({ stoppedBy }: RunResult): boolean => stoppedBy?.startsWith('SIG') === true;

/** Prints how the queue of the task stands. */
export async function showStatus(request: Extract<Request, { taskFile: string }>): Promise<void> {
  if (request.want !== 'status')
    throw new UsageError(
      'with --engine only --status shows something: for the rest, leave out --engine on the machine of the dispatcher',
    );
  const { promise: isAway, reject } = Promise.withResolvers<never>();
  isAway.catch(() => undefined); // it may never be waited for
  const reached = (problem: string | undefined): void => reject(unreachable(problem ?? ''));
  const { engine, queue } = await queueOf(request.taskFile, request.engine, reached);
  const asked = async (): Promise<QueueStatus> => {
    const feed = await engine.feed(queue);
    const status = await refusalsTold(statusOfQueue(feed));
    await inTime(feed.close());
    return status;
  };
  const status = await Promise.race([asked(), isAway]);
  process.stdout.write(`${request.json ? JSON.stringify(status) : statusLines(queue.task, status).join('\n')}\n`);
}

/** Waits for a run that goes on. */
async function nextRun(
  membership: Membership,
  self: HostNotice,
  say: Say,
  { task, url }: QueueOptions,
): Promise<Notice> {
  const problems = new Problems(say);
  for (let isSaid = false; ; isSaid = true) {
    try {
      // A dispatcher that begins now knows how much to prepare.
      await membership.present(self);
      const text = await membership.notice();
      const notice = text === undefined ? undefined : noticeIn(text);
      problems.none();
      if (notice && !notice.isOver) return notice;
    } catch (error) {
      if (error instanceof UsageError) throw error;
      const fault = problems.met(error);
      if (fault) throw fault;
    }
    if (!isSaid) say(`waits for a run of this task to begin: ${task}, at ${shownUrl(url)}`, false);
    await sleep(ASK_EVERY_MS);
  }
}

/** Throws UsageError for what only the dispatcher can be told. */
function checkHostOptions(options: MasterOptions, values: EngineValues, args: readonly string[]): void {
  const isOwn = (key: string): boolean => HOST_OPTIONS.has(key) || (key === 'journal' && options.journal === true);
  const [foreign] = [...Object.keys(options), ...(values['lock'] === undefined ? [] : ['lock'])]
    .filter((key) => !isOwn(key))
    .map((key) => {
      const row = OPTIONS.find((each) => each.key === key);
      return `--${row ? flagOf(row).flag : key}`;
    });
  if (foreign !== undefined)
    throw new UsageError(
      `a host takes this option from the dispatcher: ${foreign}; give it there, and leave it out with --join`,
    );
  if (args.length > 0)
    throw new UsageError(
      `a host takes the task's arguments from the dispatcher: ${args.join(' ')}; leave them out with --join`,
    );
}

async function queueOf(
  taskFile: string,
  values: EngineValues,
  reached: QueueOptions['reached'],
): Promise<{ engine: Engine; queue: QueueOptions }> {
  const lock = values['lock'] === undefined ? LOCK_MS : durationOf('lock', String(values['lock']));
  if (lock < LOCK_LEAST_MS || lock > LOCK_MOST_MS) throw mustBe('--lock', 'from 5s to 1h', values['lock']);
  const engine = await engineNamed(String(values['engine']));
  const task = path.basename(taskFile).replace(/\.[^.]+$/, '');
  return { engine, queue: { url: urlOf(values['engine-url-file']), task, lockMs: lock, reached } };
}

/** The URL has a password in it, so it is in no argument, and no process of a worker gets it. */
function urlOf(file: unknown): string {
  const where = file === undefined ? URL_VARIABLE : String(file);
  let url = process.env[URL_VARIABLE];
  delete process.env[URL_VARIABLE];
  if (file !== undefined) {
    try {
      url = fs.readFileSync(String(file), 'utf8').trim();
    } catch (error) {
      throw new UsageError(`the file of --engine-url-file can't be read: ${(error as Error).message}`);
    }
  }
  if (url === undefined || url === '')
    throw new UsageError(
      `${where} is ${file === undefined ? 'not set' : 'empty'}: set ${URL_VARIABLE} to the URL of the queue, such as redis://user:password@host:6379, or name a file that has it with --engine-url-file`,
    );
  if (!URL.canParse(url))
    throw new UsageError(
      `${where} is no URL (its text is not shown, as it may have a password): it must be like redis://user:password@host:6379`,
    );
  return url;
}

async function engineNamed(name: string): Promise<Engine> {
  const folder = new URL('../engines/', import.meta.url);
  const names = fs.readdirSync(folder);
  if (!names.includes(name)) throw mustBe('--engine', names.join(' or '), name);
  try {
    return ((await import(new URL(`${name}/${name}.ts`, folder).href)) as { engine: Engine }).engine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const [first] = (error as Error).message.split('\n');
    throw new UsageError(`a package that the engine needs is not installed: ${first}; run npm install`);
  }
}
