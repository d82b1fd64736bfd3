/**
 * What the master tells a worker's process at its start, through the lifeline: so the token is neither in argv nor in
 * the environment. The master writes it, and worker/start.mjs reads it. Internal.
 */

/** The worker's file descriptor of the lifeline: the one after stdin, stdout and stderr. */
export const LIFELINE_FD = 3;

/** The start message. */
export interface StartMessage {
  readonly token: string;
  readonly socket: string;
  readonly number: number;
  readonly taskFile: string;
  /** Modules to import before the task. */
  readonly imports: readonly string[];
  /** The task's own arguments. */
  readonly args: readonly string[];
  readonly concurrency: number;
  readonly maxItemBytes: number;
  readonly keepsResults: boolean;
  /** A tag stands before each line that the worker writes. */
  readonly tag: boolean;
  /** Infinity becomes null, because JSON has no Infinity. */
  readonly timeoutMs: number | null;
  readonly recycleAfter: number | null;
  readonly recycleAboveBytes: number | null;
  /** When it is killed, if it does not exit. */
  readonly killAfterMs: number | null;
}

/** Returns the message as bytes: its length in 4 bytes, then JSON. */
export function encodeStart(message: StartMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length, 0);
  return Buffer.concat([length, json]);
}
