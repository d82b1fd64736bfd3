// What the compiler takes as a task. Checked by `tsc` with everything else; types.test.ts has what it refuses.
import type {
  ItemContext,
  ItemError,
  Outcome,
  Parallelizable,
  Run,
  RunResult,
  WorkerExit,
  WorkerHandle,
  WorkerSelf,
} from '#divvy';

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };

interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
  readonly parent?: Tree;
  readonly byName: Map<string, Tree>;
  readonly seen: ReadonlySet<Tree>;
}

type Union = { kind: 'a'; at: Date } | { kind: 'b'; list: readonly bigint[] };

interface Fields {
  date: Date;
  buffer: Buffer;
  bytes: Uint8Array;
  view: DataView;
  block: ArrayBuffer;
  map: Map<string, { at: Date }>;
  set: Set<number>;
  tuple: readonly [number, { a?: string }];
  optional?: string;
  nothing: undefined;
  nil: null;
  pattern: RegExp;
  error: Error;
  record: Record<string, Date>;
  // biome-ignore lint/suspicious/noExplicitAny: any is not checked
  unchecked: any;
}

/** Each of these is an Item. */
export type Accepted = [
  Parallelizable<string>,
  Parallelizable<number>,
  Parallelizable<bigint>,
  Parallelizable<undefined>,
  Parallelizable<null>,
  Parallelizable<never>,
  // biome-ignore lint/suspicious/noExplicitAny: any is not checked
  Parallelizable<any>,
  Parallelizable<Date>,
  Parallelizable<Date | string>,
  Parallelizable<Buffer>,
  Parallelizable<Uint8Array>,
  Parallelizable<Error>,
  Parallelizable<RegExp>,
  Parallelizable<Map<string, number>>,
  Parallelizable<ReadonlySet<Date>>,
  Parallelizable<readonly [number, string?]>,
  Parallelizable<string[]>,
  Parallelizable<Json>,
  Parallelizable<Tree>,
  Parallelizable<Union>,
  Parallelizable<Fields>,
];

/** Every hook, with the types that it is given. */
export class EveryHook implements Parallelizable<Fields, Promise<number>> {
  async *dispatch(): AsyncGenerator<Fields> {}
  async process(item: Fields, context: ItemContext): Promise<number> {
    return item.tuple[0] + context.attempt + context.number + context.worker + Number(context.signal.aborted);
  }
  total(): number {
    return 1;
  }
  async beforeRun(_run: Run): Promise<void> {}
  afterRun(_run: Run, _result: RunResult): void {}
  beforeFork(worker: WorkerHandle): void {
    worker.env['A'] = 'b';
    worker.env = {};
  }
  afterFork(_worker: WorkerSelf): void {}
  async beforeExit(_worker: WorkerSelf): Promise<void> {}
  afterExit(_worker: WorkerHandle, { code, signal }: WorkerExit): void {
    [code, signal] satisfies [number | null, NodeJS.Signals | null];
  }
  afterProcess(item: Fields, result: number, _outcome: Outcome): void {
    (item.tuple[0] + result) satisfies number;
  }
  afterFailure(_item: Fields, error: ItemError, _outcome: Outcome): void {
    (error.cause?.name ?? error.name) satisfies string;
  }
}

export class SyncDispatch implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }
  process(item: number): void {
    item.toFixed();
  }
}

export class InferredDispatch implements Parallelizable<number> {
  *dispatch() {
    yield 1;
  }
  async process(): Promise<void> {}
}

export class YieldsAnother implements Parallelizable<number> {
  // @ts-expect-error dispatch yields what process does not take
  *dispatch(): Generator<string> {
    yield 'one';
  }
  process(_item: number): void {}
}

export class TakesAnother implements Parallelizable<number> {
  *dispatch(): Generator<number> {}
  // @ts-expect-error process takes what dispatch does not yield
  process(_item: string): void {}
}

export class HookTakesAnother implements Parallelizable<number, string> {
  *dispatch(): Generator<number> {}
  process(): string {
    return '';
  }
  // @ts-expect-error process returns a string
  afterProcess(_item: number, _result: number): void {}
}

// @ts-expect-error there is no process
export class WithoutProcess implements Parallelizable<number> {
  *dispatch(): Generator<number> {}
}

export class ReadonlyPid implements Parallelizable<number> {
  *dispatch(): Generator<number> {}
  process(): void {}
  beforeFork(worker: WorkerHandle): void {
    // @ts-expect-error only its environment may be changed
    worker.pid = 1;
  }
}
