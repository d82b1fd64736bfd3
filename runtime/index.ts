/** The module that a project imports as `#divvy`. Public. */

// The runtime's types need these, whatever `lib` and `types` the tsconfig of a program has that imports a task.
/// <reference lib="es2024" />
/// <reference types="node" />

export { BootFailure, DivvyError, Shutdown, TaskError, UsageError } from './errors.ts';
export { type InlineOutcome, runInline } from './master/inline.ts';
export { Master } from './master/master.ts';
export type { MasterOptions } from './options.ts';
export type * from './parallelizable.ts';
export { PermanentError, RateLimited } from './parallelizable.ts';
export { isMasterProcess, isWorkerProcess } from './role.ts';
export { type Argument, type TaskArguments, taskArguments } from './task/arguments.ts';
export { type AttemptTrace, type RunTrace, type Tracing, traceWith } from './tracing.ts';
