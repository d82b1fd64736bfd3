// What `#divvy` exports, used from a program: here, from the tests themselves.
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  BootFailure,
  DivvyError,
  isMasterProcess,
  isWorkerProcess,
  Master,
  type MasterOptions,
  runInline,
  Shutdown,
  TaskError,
  UsageError,
} from '#divvy';
import { makeGate, taskFile } from './run-task.ts';
import Retries from './tasks/retries.ts';

const quiet = { observe: () => {}, signals: false } as const;

/** A gate whose path the workers of this process are given. */
async function gateHere() {
  const gate = await makeGate();
  process.env['GATE'] = gate.env.GATE;
  onTestFinished(() => void delete process.env['GATE']);
  return gate;
}

describe('new Master', () => {
  test.each([
    ['workers', 0, 'workers must be a whole number of at least 1, and is 0'],
    ['workers', 1.5, 'workers must be a whole number of at least 1, and is 1.5'],
    ['workers', '2', "workers must be a whole number of at least 1, and is '2'"],
    ['workers', 1e9, 'workers must be a whole number of at most 10000, and is 1000000000'],
    ['maxItemBytes', 2 ** 32, 'maxItemBytes must be a whole number of at most 4293918720, and is 4294967296'],
    ['concurrency', -1, 'concurrency must be a whole number of at least 1, and is -1'],
    ['maxItemBytes', Number.NaN, 'maxItemBytes must be a whole number of at least 1, and is NaN'],
    ['retries', null, 'retries must be a whole number of at least 0, and is null'],
    ['maxCrashes', 0, 'maxCrashes must be a whole number of at least 1, and is 0'],
    ['backoffMs', '1s', "backoffMs must be a number of milliseconds of at least 0, and is '1s'"],
    ['killAfterMs', -1, 'killAfterMs must be a number of milliseconds of at least 0, and is -1'],
    ['forceAfterMs', Number.NaN, 'forceAfterMs must be a number of milliseconds of at least 0, and is NaN'],
    ['graceMs', {}, 'graceMs must be a number of milliseconds of at least 0, and is {}'],
    ['verbose', 'yes', "verbose must be true or false, and is 'yes'"],
    ['inline', 1, 'inline must be true or false, and is 1'],
    ['ignoreHup', 0, 'ignoreHup must be true or false, and is 0'],
    ['signals', 'no', "signals must be true or false, and is 'no'"],
    ['socket', '', "socket must be a path, and is ''"],
    ['socket', 5, 'socket must be a path, and is 5'],
    ['results', 5, 'results must be a path, and is 5'],
    ['ordered', 'yes', "ordered must be true or false, and is 'yes'"],
    ['import', ['a', 5], "import must be the name or the path of a module, or a list of these, and is [ 'a', 5 ]"],
    ['items', 'abc', "items must be an iterable, or an async one, and is 'abc'"],
    ['items', 5, 'items must be an iterable, or an async one, and is 5'],
    ['args', ['a', 1], "args must be an array of strings, and is [ 'a', 1 ]"],
    ['observe', {}, 'observe must be a function, and is {}'],
  ])('%s: %o is a UsageError', (name, value, message) => {
    const make = (): Master => new Master('t.ts', { [name]: value } as MasterOptions);
    expect(make).toThrow(expect.objectContaining({ name: 'UsageError', exitCode: 2, message }));
    expect(make).toThrow(UsageError);
  });

  test('an option that there is not is a UsageError; undefined is the default', () => {
    expect(() => new Master('t.ts', { worker: 1 } as MasterOptions)).toThrow(
      'there is no option worker; the options of a Master are workers, ',
    );
    expect(new Master('t.ts', { workers: undefined }).workerCount).toBeGreaterThan(0);
    expect(() => new Master(new URL('http://example.org/t.ts'))).toThrow(
      /^the task file must be a path, or a file: URL, and is /,
    );
  });

  test('what it says of itself before it runs', () => {
    const master = new Master(taskFile('echo'), { workers: 2, verbose: false, socket: '/tmp/divvy-never-opened.sock' });
    const socket = '/tmp/divvy-never-opened.sock';
    expect(master).toMatchObject({
      workerCount: 2,
      verbose: false,
      socket,
      failures: 0,
      spawnCount: 0,
      tasksDistributed: 0,
      workersRunning: false,
    });
    const worker = { pid: undefined, status: undefined, running: false, socket };
    expect(master.workers).toMatchObject([
      { ...worker, number: 1 },
      { ...worker, number: 2 },
    ]);
    expect(master.workers[0]?.kill()).toBe(false);
    expect([isMasterProcess(), isWorkerProcess()]).toEqual([true, false]);
  });
});

describe('run', () => {
  test('takes a path or a URL, and items in place of dispatch, sync or not', async () => {
    async function* later(): AsyncGenerator<string> {
      yield 'a';
      yield 'b';
    }
    const url = pathToFileURL(taskFile('echo'));
    for (const [file, items] of [
      [taskFile('echo'), ['a', 'b']],
      [url, new Set(['a', 'b'])],
      [url, later()],
    ] as const) {
      const master = new Master(file, { ...quiet, workers: 1, items });
      const result = await master.run();
      const counts = {
        dispatched: 2,
        done: 2,
        failed: 0,
        unfinished: 0,
        skipped: 0,
        retried: 0,
        spawned: 1,
        crashed: 0,
      };
      expect(result).toEqual({ counts, exitCode: 0, runId: expect.stringMatching(/^\d{8}-\d{6}-[a-z]{4}$/) });
      expect(master).toMatchObject({ failures: 0, spawnCount: 1, tasksDistributed: 2, workersRunning: false });
      expect(master.workers[0]).toMatchObject({ pid: undefined, running: false, status: { code: 0, signal: null } });
    }
  });

  test('keeps what process returned, in the order of the items', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'divvy-results-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const results = join(folder, 'r.ndjson');
    const items = [{ a: 1 }, 'two', new Date(0), undefined, new Map()];
    const master = new Master(taskFile('echo'), { ...quiet, workers: 2, items, results, ordered: true });
    expect((await master.run()).counts).toMatchObject({ done: 4, failed: 1 });
    const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
    const kept = lines.map((line) => JSON.parse(line) as { number: number; result: unknown });
    expect(kept.map(({ number, result }) => [number, result])).toEqual([
      [1, { a: 1 }],
      [2, 'two'],
      [3, '1970-01-01T00:00:00.000Z'],
      [4, null],
    ]);
  });

  test('resolves where items failed: dispatched = done + failed + unfinished', async () => {
    const master = new Master(taskFile('retries'), { ...quiet, workers: 2, retries: 2, backoffMs: 1 });
    const { counts, exitCode } = await master.run();
    expect(counts).toMatchObject({ dispatched: 6, done: 1, failed: 5, unfinished: 0, retried: 7 });
    expect(exitCode).toBe(1);
    expect(master.tasksDistributed).toBe(6);
  });

  test('whose signal is aborted with a DivvyError fails with that', async () => {
    const fault = new TaskError('enough');
    const master = new Master(taskFile('endless'), quiet);
    await expect(master.run({ signal: AbortSignal.abort(fault) })).rejects.toBe(fault);
    expect(fault.result).toMatchObject({ exitCode: 70, counts: { dispatched: 0 } });
  });

  test('runs once', async () => {
    const master = new Master(taskFile('echo'), { ...quiet, items: [] });
    await master.run();
    await expect(master.run()).rejects.toThrow(/^a Master runs once; make another for another run$/);
  });

  test('rejects with what was wrong, and what had been done', async () => {
    const rejection = async (name: string, options: MasterOptions): Promise<unknown> =>
      new Master(taskFile(name), { ...quiet, workers: 1, ...options }).run().catch((error: unknown) => error);
    const boot = await rejection('hooks', { args: ['afterFork'] });
    expect(boot).toBeInstanceOf(BootFailure);
    expect(boot).toBeInstanceOf(DivvyError);
    expect(boot).toMatchObject({ exitCode: 69, result: { exitCode: 69, counts: { dispatched: 1, unfinished: 1 } } });
    const missing = await rejection('no-such-task', {});
    expect(missing).toBeInstanceOf(UsageError);
    expect(missing).toMatchObject({ exitCode: 2, result: undefined });
    const threw = await rejection('echo', { items: throwing() });
    expect(threw).toBeInstanceOf(TaskError);
    expect(threw).toMatchObject({
      exitCode: 70,
      cause: { message: 'no more' },
      result: { counts: { dispatched: 1, done: 1 } },
    });
    function* throwing(): Generator<number> {
      yield 1;
      throw new Error('no more');
    }
  });
});

describe('stopping', () => {
  test('shutdown is graceful, by itself or by an AbortSignal', async () => {
    for (const by of ['shutdown', 'abort'] as const) {
      const gate = await gateHere();
      const controller = new AbortController();
      const master = new Master(taskFile('gated'), { ...quiet, workers: 2, args: ['9'], items: [1, 2, 3, 4, 5] });
      const running = master.run({ signal: controller.signal });
      await gate.arrived(2);
      expect(master.workersRunning).toBe(true);
      expect(master.workers[0]?.pid).toBeGreaterThan(0);
      if (by === 'shutdown') master.shutdown();
      else controller.abort();
      master.shutdown(); // does nothing more
      gate.open();
      expect(await running).toMatchObject({
        stoppedBy: by,
        exitCode: 1,
        counts: { dispatched: 2, done: 2, unfinished: 0 },
      });
    }
  });

  test('a paused run starts nothing; it is resized, an item cancelled, and it goes on', async () => {
    const gate = await gateHere();
    const said: string[] = [];
    const failed = Promise.withResolvers<void>();
    const observe = ({ type }: { type: string }): void => {
      said.push(type);
      if (type === 'item failed') failed.resolve();
    };
    const master = new Master(taskFile('controlled'), { workers: 1, items: [1, 2, 3, 4], signals: false, observe });
    expect([master.paused, master.cancel('key 1')]).toEqual([false, false]);
    const running = master.run();
    await gate.arrived(1);
    master.pause();
    master.resize(3);
    expect([master.paused, master.workerCount]).toEqual([true, 3]);
    expect([master.cancel('key 2'), master.cancel('key 1')]).toEqual([false, true]);
    await failed.promise; // before the gate opens: it could be done before it hears of the cancel
    gate.open();
    expect(master.tasksDistributed).toBe(1);
    master.continue();
    expect(await running).toMatchObject({ exitCode: 1, counts: { dispatched: 4, done: 3, failed: 1, retried: 0 } });
    expect(said.filter((type) => /paused|continued|cancelled|changed/.test(type))).toEqual([
      ...['paused', 'workers changed', 'item cancelled', 'continued'],
    ]);
  });

  test('a run that is paused before it begins waits until it is continued', async () => {
    const paused = Promise.withResolvers<void>();
    const observe = ({ type }: { type: string }): void => {
      if (type === 'paused') paused.resolve();
    };
    const master = new Master(taskFile('echo'), { signals: false, items: [1, 2], observe });
    master.pause();
    const running = master.run();
    await paused.promise;
    expect([master.paused, master.tasksDistributed]).toEqual([true, 0]);
    master.continue();
    expect(await running).toMatchObject({ exitCode: 0, counts: { done: 2 } });
  });

  test('shutdownNow rejects with Shutdown, and its result', async () => {
    const gate = await gateHere();
    const master = new Master(taskFile('gated'), { ...quiet, workers: 2, items: [1, 2, 3, 4, 5] });
    const running = master.run().catch((error: unknown) => error);
    await gate.arrived(2);
    master.shutdownNow();
    const error = await running;
    expect(error).toBeInstanceOf(Shutdown);
    expect(error).toMatchObject({
      result: { stoppedBy: 'shutdown', counts: { dispatched: 2, done: 0, unfinished: 2 } },
    });
  });

  test('before the run nothing is dispatched; after it nothing is said', async () => {
    const said: string[] = [];
    const master = new Master(taskFile('echo'), { ...quiet, items: [1], observe: ({ type }) => void said.push(type) });
    master.shutdown();
    expect(await master.run()).toMatchObject({ stoppedBy: 'shutdown', counts: { dispatched: 0 } });
    const before = said.length;
    const ended = new Master(taskFile('echo'), { ...quiet, items: [], observe: ({ type }) => void said.push(type) });
    await ended.run();
    const after = said.length;
    master.shutdownNow();
    ended.shutdown();
    ended.shutdownNow();
    expect([before > 0, said.length]).toEqual([true, after]);
    const aborted = new Master(taskFile('echo'), { ...quiet, items: [1] });
    expect(await aborted.run({ signal: AbortSignal.abort() })).toMatchObject({
      stoppedBy: 'abort',
      counts: { dispatched: 0 },
    });
  });

  test('a worker that is killed by its handle is replaced', async () => {
    const gate = await gateHere();
    const master = new Master(taskFile('gated'), { ...quiet, workers: 1, items: [1] });
    const running = master.run();
    await gate.arrived(1);
    expect(master.workers[0]?.kill('SIGKILL')).toBe(true);
    await gate.arrived(2);
    gate.open();
    expect(await running).toMatchObject({ counts: { done: 1, crashed: 1, spawned: 2, retried: 1 } });
    expect(master.failures).toBe(1);
  });
});

describe('several in one process', () => {
  test('two at once share the signals, and put the handlers back when both have ended', async () => {
    let called = 0;
    const own = (): void => {
      called += 1;
    };
    process.on('SIGQUIT', own);
    onTestFinished(() => void process.off('SIGQUIT', own));
    const gate = await gateHere();
    const options = { observe: () => {}, workers: 1, items: [1] };
    const [first, second] = [
      new Master(taskFile('gated'), options).run(),
      new Master(taskFile('gated'), options).run(),
    ];
    await gate.arrived(2);
    process.emit('SIGQUIT');
    expect(called).toBe(0);
    gate.open();
    expect(await first).toMatchObject({ stoppedBy: 'SIGQUIT', counts: { done: 1 } });
    expect(await second).toMatchObject({ stoppedBy: 'SIGQUIT', counts: { done: 1 } });
    expect(process.listeners('SIGQUIT')).toEqual([own]);
    process.emit('SIGQUIT');
    expect(called).toBe(1);
  });

  test('those that overlap leave the streams as they were, whichever ends first', async () => {
    const writes = () => [process.stdout.write, process.stderr.write];
    const before = writes();
    const begin = async () => {
      const [begun, may] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* items() {
        begun.resolve();
        await may.promise;
        yield 1;
      }
      const running = new Master(taskFile('echo'), { ...quiet, inline: true, items: items() }).run();
      await begun.promise;
      return { running, may };
    };
    const [first, second] = [await begin(), await begin()];
    for (const { running, may } of [first, second]) {
      may.resolve();
      await running;
    }
    expect(writes()).toEqual(before);
  });

  test('many in a row leave no listener behind', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const count = (): number[] =>
      [process, process.stdout, process.stderr].flatMap((emitter) =>
        emitter.eventNames().map((name) => emitter.listenerCount(name)),
      );
    const run = (): Promise<unknown> =>
      new Master(taskFile('echo'), { observe: () => {}, inline: true, items: [1] }).run();
    await run();
    const before = count();
    for (let times = 0; times < 15; times++) await run();
    expect(count()).toEqual(before);
    expect(warnings).toEqual([]);
  });
});

describe('runInline', () => {
  test('each item is processed in an async context of its own', async () => {
    const storage = new AsyncLocalStorage<number>();
    const task = {
      dispatch: () => [1, 2, 3],
      process(item: number) {
        const found = storage.getStore();
        storage.enterWith(item);
        return found;
      },
    };
    expect(await runInline(task)).toMatchObject([{ result: undefined }, { result: undefined }, { result: undefined }]);
  });

  test('takes a class or an instance, items in place of dispatch, and retries', async () => {
    for (const task of [Retries, new Retries()]) {
      const outcomes = await runInline(task, { items: ['fails once', 'fails always', 'PermanentError'], retries: 1 });
      expect(outcomes).toMatchObject([
        { item: 'fails once', number: 1, attempts: 2, done: true, result: undefined },
        { item: 'fails always', number: 2, attempts: 2, done: false, error: { name: 'Error', message: 'again' } },
        { item: 'PermanentError', number: 3, attempts: 1, done: false, error: { name: 'PermanentError' } },
      ]);
    }
    expect(await runInline(Retries)).toHaveLength(6);
  });

  test('an item that cannot be carried is a failed one, as it would be in a run', async () => {
    const task = { *dispatch(): Generator<object> {}, process: () => {} };
    const [outcome] = await runInline(task, { items: [{ retry: () => {} }] });
    expect(outcome).toMatchObject({
      done: false,
      error: { message: 'item 1: .retry is a function, which cannot be carried to another process' },
    });
  });

  test('calls afterFork and beforeExit, the latter also where dispatch throws, and rejects with what it threw', async () => {
    const called: string[] = [];
    const task = {
      afterFork: () => void called.push('afterFork'),
      beforeExit: () => void called.push('beforeExit'),
      async *dispatch(): AsyncGenerator<number> {
        yield 1;
        throw new Error('no more');
      },
      process: () => void called.push('process'),
    };
    await expect(runInline(task)).rejects.toThrow('no more');
    expect(called).toEqual(['afterFork', 'process', 'beforeExit']);
  });
});
