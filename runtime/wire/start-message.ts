/**
 * What a worker's process is told at its start, by its lifeline: neither argv nor the environment holds the token. The master
 * writes it, and worker/start.mjs reads it. Internal.
 */

/** Which file descriptor of the worker the lifeline is: the one behind stdin, stdout and stderr. */
export const LIFELINE_FD = 3;

/** The start message. */
export interface StartMessage {
  readonly token: string;
  readonly socket: string;
  readonly number: number;
  readonly taskFile: string;
  /** What is loaded before it. */
  readonly imports: readonly string[];
  /** The task's own arguments. */
  readonly args: readonly string[];
  readonly concurrency: number;
  readonly maxItemBytes: number;
  /** Infinity, which JSON has not, is null here. */
  readonly timeoutMs: number | null;
  readonly recycleAfter: number | null;
  readonly recycleAboveBytes: number | null;
}

/** Returns its bytes: its length, in 4 bytes, and JSON. */
export function encodeStart(message: StartMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length, 0);
  return Buffer.concat([length, json]);
}
