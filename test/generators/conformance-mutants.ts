/** Runtimes with a fault that a wrong merge could make: a line dropped or doubled, a condition inverted, an old constant. */

export interface Mutant {
  /** What the fault is. */
  readonly fault: string;
  readonly file: string;
  /** A text that is in the file exactly once, and what takes its place. */
  readonly from: string;
  readonly to: string;
  /** The case that fails, and what its reason must say. */
  readonly by: string;
  readonly says: RegExp;
}

const ONCE = 'every item is processed exactly once, and the exit code is 0';
const WHOLE = 'an item arrives as it was dispatched, and so does its result';
const UNFIT = 'an item that cannot be carried or is too large fails alone';
const RETRIES = 'an item is tried again by --retries, unless its error is permanent';
const TIMEOUT = 'an item that runs past its timeout is aborted, then its worker is killed';
const DEATH = 'an item whose worker dies is tried again';
const SUSPECTS = 'an item that always kills its worker fails, and those beside it are done';
const SLOW = 'a slow item does not hold up others';
const LINES = 'lines of several workers never mix';
const OUTPUT = 'an item counts only once its output is out';
const HALT = '--halt stops the run once so many items have failed';
const ORPHANS = 'workers end soon after their master was killed';
const INT = 'after INT items in progress finish, and a resume does the rest';
const TERM = 'TERM aborts items in progress, and a resume does them';
const WORKER_TERM = 'a worker that gets TERM finishes its item and is replaced';
const CODE_70 = 'the exit code is 70 when dispatch throws, after the items before it';
const CODE_69 = 'the exit code is 69 when no worker boots';
const CODE_75 = 'the exit code is 75 while the same run goes on';
const SOCKET = 'the socket has mode 0600, in a folder with 0700, and is gone afterwards';
const RESUME = 'a resume does what a killed master left, and nothing twice';
const RETRY_FAILED = '--retry-failed takes only what failed';
const EQUAL = 'of equal items a resume skips as many as have ended';
const RESULTS = '--results has one line for each done item, also after a kill and a resume';
const AFTER_PROCESS = 'the journal has an item only after its afterProcess';
const HOOKS = 'hooks run in their order, each in its process, with what they are given';
const ARGUMENTS = 'declared arguments reach process with their types, and a wrong one is refused';
const LIMIT = '--limit takes the first items, and --dry-run only prints them';
const INLINE = '--inline does the same work in one process';
const EVENTS = 'each event has a time, the id of the run and a type';
const LIBRARY = 'Master and runInline work in a program';

export const MUTANTS: readonly Mutant[] = [
  {
    fault: 'outcomes are counted twice',
    file: 'master/delivery.ts',
    from: '    this.counts[outcome] += run.count;\n',
    to: '    this.counts[outcome] += run.count;\n    this.counts[outcome] += run.count;\n',
    by: ONCE,
    says: /the counts of the run/,
  },
  {
    fault: '-0 is carried as JSON',
    file: 'wire/codec.ts',
    from: 'return Number.isFinite(value) && !Object.is(value, -0);',
    to: 'return Number.isFinite(value);',
    by: WHOLE,
    says: /to be -0, got 0/,
  },
  {
    fault: 'what occurs twice in an item is copied',
    file: 'wire/codec.ts',
    from: '  if (left.seen.includes(object)) return NOT_PLAIN;\n',
    to: '',
    by: WHOLE,
    says: /twice|circle/,
  },
  {
    fault: '--max-item-size is not heeded',
    file: 'master/dispatch.ts',
    from: 'settings.maxItemBytes);',
    to: 'Infinity);',
    by: UNFIT,
    says: /expected item 4 to fail/,
  },
  {
    fault: 'one try less than --retries says',
    file: 'master/delivery.ts',
    from: 'item.throws > this.#rules.retries',
    to: 'item.throws >= this.#rules.retries',
    by: RETRIES,
    says: /the attempts at "throws 1" to be \[ 1, 2, 3 \], got \[ 1, 2 \]/,
  },
  {
    fault: 'permanent errors are tried again',
    file: 'master/delivery.ts',
    from: "how === 'threw for good' || ",
    to: '',
    by: RETRIES,
    says: /"permanent 3" to be \[ 1 \]/,
  },
  {
    fault: 'the signal is not aborted at the timeout',
    file: 'worker/processing.ts',
    from: "      overrule(attempt, new DOMException(message, 'TimeoutError'));\n",
    to: '',
    by: TIMEOUT,
    says: /what the item that listens heard/,
  },
  {
    fault: 'a kill at the timeout counts as a crash',
    file: 'master/kills.ts',
    from: "if (worker.kill('SIGKILL')) this.#timeouts.killed(worker);",
    to: "worker.kill('SIGKILL');",
    by: TIMEOUT,
    says: /loops 2: WorkerDied/,
  },
  {
    fault: 'an item is lost when its worker dies',
    file: 'master/delivery.ts',
    from: "    if (this.stopping === 'no') this.backlog.putFirst([item]);\n    else this.#release(item);\n",
    to: "    if (this.stopping !== 'no') this.#release(item);\n",
    by: DEATH,
    says: /the attempts at the item whose worker died to be \[ 1, 2 \], got \[ 1 \]/,
  },
  {
    fault: 'deaths are not counted as crashes',
    file: 'master/delivery.ts',
    from: '      this.counts.crashed += 1;\n',
    to: '',
    by: DEATH,
    says: /how many workers crashed to be 1, got 0/,
  },
  {
    fault: 'one crash more than --max-crashes',
    file: 'master/delivery.ts',
    from: 'item.crashes < this.#rules.maxCrashes',
    to: 'item.crashes <= this.#rules.maxCrashes',
    by: SUSPECTS,
    says: /the failures/,
  },
  {
    fault: 'items beside the one that killed the worker are blamed',
    file: 'master/delivery.ts',
    from: '} else if (started.length === 1 && timedOut === undefined)',
    to: '} else if (timedOut === undefined)',
    by: SUSPECTS,
    says: /the failures to be/,
  },
  {
    fault: 'items that come back unstarted count as attempts',
    file: 'master/delivery.ts',
    from: '      run.starts -= 1;\n',
    to: '',
    by: SLOW,
    says: /first attempt did not count as the first/,
  },
  {
    fault: 'nothing is taken back from a worker whose thread is blocked',
    file: 'master/pool.ts',
    from: '    this.#reclaim(this.#delivery.silent(performance.now(), SILENT_MS));\n',
    to: '',
    by: SLOW,
    says: /all items but the two slow ones to end/,
  },
  {
    fault: 'what a worker writes is passed on in pieces',
    file: 'master/output.ts',
    from: 'const end = chunk.lastIndexOf(NEWLINE) + 1;',
    to: 'const end = chunk.length;',
    by: LINES,
    says: /lines on stdout/,
  },
  {
    fault: 'an open line is not ended before that of another worker',
    file: 'master/output.ts',
    from: 'const ends = own.length > 0 && shared.lineOf !== undefined && shared.lineOf !== passage;',
    to: 'const ends = own.length > 0 && shared.lineOf !== undefined && shared.lineOf === passage;',
    by: LINES,
    says: /lines/,
  },
  {
    fault: 'outcomes do not wait for output',
    file: 'master/settling.ts',
    from: 'if (outlet && !(outlet.isClear && this.#barrier.isEmpty))',
    to: 'if (!outlet && !this.#barrier.isEmpty)',
    by: OUTPUT,
    says: /to be out before the journal has it as done/,
  },
  {
    fault: '--halt is never reached',
    file: 'master/stopping.ts',
    from: "    if (isReached) this.stop('halt', 'gracefully');\n",
    to: '',
    by: HALT,
    says: /the items that failed/,
  },
  {
    fault: 'the lifeline does not end a worker',
    file: 'worker/lifeline.mjs',
    from: "lifeline.on('error', die);\nlifeline.on('close', die);\n",
    to: "lifeline.on('error', () => {});\n",
    by: ORPHANS,
    says: /workers: \[ \d+ \], started: \[ \d+ \]/,
  },
  {
    fault: 'the lifeline ends a worker without its group',
    file: 'worker/lifeline.mjs',
    from: "    process.kill(-process.pid, 'SIGKILL');\n",
    to: '',
    by: ORPHANS,
    says: /workers: \[\], started: \[ \d+ \]/,
  },
  {
    fault: 'INT is forceful',
    file: 'signals.ts',
    from: "signal: 'SIGINT',\n    action: 'graceful'",
    to: "signal: 'SIGINT',\n    action: 'forceful'",
    by: INT,
    says: /"signal ignored", and the run ended with/,
  },
  {
    fault: 'the runner does not end by the signal that stopped it',
    file: 'cli/main.ts',
    from: '    process.kill(process.pid, stoppedBy);\n',
    to: '',
    by: INT,
    says: /an end by SIGINT after INT .* got exit code 130/,
  },
  {
    fault: 'a forceful stop does not abort what is in progress',
    file: 'master/kills.ts',
    from: "      worker.process?.send({ kind: 'abort', reason: by });\n",
    to: '',
    by: TERM,
    says: /what the item that listens heard/,
  },
  {
    fault: 'a worker does not heed TERM',
    file: 'worker/main.ts',
    from: '    this.#processing?.leave();\n',
    to: '',
    by: WORKER_TERM,
    says: /another process/,
  },
  {
    fault: 'a fault is not in the exit code',
    file: 'master/stopping.ts',
    from: '    if (this.fault) return this.fault.exitCode;\n',
    to: '',
    by: CODE_70,
    says: /exit code 70 after dispatch threw, got exit code 0/,
  },
  {
    fault: 'the exit code of another fault',
    file: 'errors.ts',
    from: ', 69)',
    to: ', 70)',
    by: CODE_69,
    says: /exit code 69 .*, got exit code 70/,
  },
  {
    fault: 'the same run may go on twice',
    file: 'journal/recording.ts',
    from: 'if (exitCode !== undefined && !concurrentRun) throw error;',
    to: 'if (exitCode !== undefined && concurrentRun) throw error;',
    by: CODE_75,
    says: /exit code 75/,
  },
  {
    fault: 'the umask keeps nobody from the socket',
    file: 'wire/listen.ts',
    from: 'setMask(0o177)',
    to: 'setMask(0o022)',
    by: SOCKET,
    says: /got \{ socket: '7/,
  },
  {
    fault: 'others may look into the folder of the socket',
    file: 'wire/socket-path.ts',
    from: 'fs.mkdirSync(folder, { mode: 0o700 }); // fails',
    to: 'fs.mkdirSync(folder); // fails',
    by: SOCKET,
    says: /folder: '7[1-7]/,
  },
  {
    fault: 'the folder of the socket is left behind',
    file: 'wire/server.ts',
    from: 'removePlace(this.#isFresh ? path.dirname(this.path) : this.path)',
    to: 'removePlace(this.path)',
    by: SOCKET,
    says: /to be gone after the run/,
  },
  {
    fault: 'the journal gets no outcome',
    file: 'master/settling.ts',
    from: '    else journal.done(run, resultsEnd, ended.result);\n',
    to: '',
    by: RESUME,
    says: /the journal to have the 20 items/,
  },
  {
    fault: 'a resume does not know what is done',
    file: 'journal/earlier.ts',
    from: "keys.endedHashed(bytes, from, 'done');",
    to: "void keys.endedHashed.bind(keys, bytes, from, 'done');",
    by: RESUME,
    says: /the items that ended in both runs/,
  },
  {
    fault: '--retry-failed takes what is done',
    file: 'master/intake.ts',
    from: "'retry-failed' ? ended === 'failed' : ended === undefined",
    to: "'retry-failed' ? ended === 'done' : ended === undefined",
    by: RETRY_FAILED,
    says: /exit code 0 after --retry-failed/,
  },
  {
    fault: 'of equal items all are skipped',
    file: 'journal/key-set.ts',
    from: 'endedOf(occurrence === 1 ? known : this.#look(identity(key, occurrence)))',
    to: 'endedOf(known)',
    by: EQUAL,
    says: /how many of 8 equal items/,
  },
  {
    fault: 'the results are not cut where the journal ends',
    file: 'journal/open.ts',
    from: '      if (results) request.results?.cutAt(results.bytes);\n',
    to: '',
    by: RESULTS,
    says: /how many lines the file has to be 8, got 9/,
  },
  {
    fault: 'the journal does not say where a result ends',
    file: 'journal/journal.ts',
    from: ', ...(results !== undefined && { results }) };',
    to: ' };',
    by: RESULTS,
    says: /after a resume .* got exit code 2/,
  },
  {
    fault: 'afterProcess is not awaited',
    file: 'master/settling.ts',
    from: '        await call();\n',
    to: '        void call();\n',
    by: AFTER_PROCESS,
    says: /although afterProcess threw|exit code 70 after afterProcess threw/,
  },
  {
    fault: 'beforeExit is not called',
    file: 'worker/main.ts',
    from: '      await task.beforeExit?.(this.#self);\n',
    to: '',
    by: HOOKS,
    says: /the calls of beforeExit/,
  },
  {
    fault: 'what beforeFork has put into the environment does not reach the worker',
    file: 'master/worker-process.ts',
    from: 'spare?.take(worker.env) ?? startProcess(worker.env)',
    to: 'spare?.take(worker.env) ?? startProcess(process.env)',
    by: HOOKS,
    says: /the calls of afterFork/,
  },
  {
    fault: 'afterFork is called twice',
    file: 'worker/main.ts',
    from: '      await task.afterFork?.(this.#self);\n',
    to: '      await task.afterFork?.(this.#self);\n      await task.afterFork?.(this.#self);\n',
    by: HOOKS,
    says: /the calls of afterFork/,
  },
  {
    fault: 'wrong arguments of the task are taken',
    file: 'task/arguments.ts',
    from: 'if (list.length > 0) throw argumentsAreWrong(',
    to: 'if (list.length < 0) throw argumentsAreWrong(',
    by: ARGUMENTS,
    says: /exit code 2 after wrong arguments/,
  },
  {
    fault: 'one item more than --limit',
    file: 'master/intake.ts',
    from: 'this.#taken >= limit',
    to: 'this.#taken > limit',
    by: LIMIT,
    says: /what a dry run prints/,
  },
  {
    fault: 'a dry run processes',
    file: 'master/dispatch.ts',
    from: 'if (!taken || settings.dryRun) {',
    to: 'if (!taken) {',
    by: LIMIT,
    says: /a dry run began/,
  },
  {
    fault: '--inline starts workers',
    file: 'master/booting.ts',
    from: '  if (settings.inline) {\n',
    to: '  if (!settings.inline && settings.dryRun) {\n',
    by: INLINE,
    says: /the processes to be/,
  },
  {
    fault: 'events have no time',
    file: 'master/master.ts',
    from: 'observe({ at: Date.now(), runId: this.#run.runId, ...event })',
    to: 'observe({ runId: this.#run.runId, ...event })',
    by: EVENTS,
    says: /without a time/,
  },
  {
    fault: 'a run that was stopped forcefully resolves',
    file: 'master/run-loop.ts',
    from: '    const fault = this.stopping.fault ?? shutdown;\n',
    to: '    const { fault } = this.stopping;\n',
    by: LIBRARY,
    says: /stopped: false/,
  },
];
