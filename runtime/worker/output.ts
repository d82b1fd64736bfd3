/**
 * Makes sure that a worker's stdout and stderr are out before its items count. The only place in a worker that patches
 * a stream's `write`. Runs in a worker. Internal.
 */

import type { Tags } from './tags.ts';

const NEWLINE = 0x0a;

/** A worker's stdout and stderr. */
export interface WorkerOutput {
  /** If a line is open: bytes written to each stream, 0 for a stream without an open line. Otherwise undefined. */
  openLines(): readonly number[] | undefined;
  /** Returns whether all output has left this process. If not, calls `then` when more of it has. */
  isWritten(then: () => void): boolean;
}

/**
 * Makes writes blocking: the output is in the pipe when the call returns, and so before any ack. Nothing is lost with
 * this process, and nothing piles up in its memory, however slow the reader is. A process that an item starts may share
 * the pipe and make it non-blocking again. So set blocking before each write; if output still waits, acks wait too.
 *
 * tags - puts a tag before each line; undefined without --tag.
 */
export function writeBlocking(tags?: Tags): WorkerOutput {
  const streams = [process.stdout, process.stderr] as const;
  const open = [false, false];
  const writes = streams.map((stream, index) => {
    const { _handle } = stream as NodeJS.WriteStream & { _handle?: { setBlocking?: (is: boolean) => void } | null };
    const write = stream.write;
    stream.on('error', () => {}); // the master is gone, or the task has closed the stream and still writes
    _handle?.setBlocking?.(true);
    stream.write = ((...written: Parameters<typeof write>): boolean => {
      const [chunk, ...rest] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last !== undefined) {
        open[index] = last !== '\n' && last !== NEWLINE;
        _handle?.setBlocking?.(true);
        if (tags) {
          const tagged = tags.tagged(index, chunk as string | Uint8Array, rest[0]);
          return Reflect.apply(write, stream, [tagged, ...rest]);
        }
      }
      return Reflect.apply(write, stream, written);
    }) as typeof write;
    return write;
  });
  const waits = ({ writableLength, writableCorked, writable }: NodeJS.WriteStream): boolean =>
    writableLength > 0 && writableCorked === 0 && writable;
  return {
    openLines: () =>
      open.includes(true) ? streams.map(({ bytesWritten }, index) => (open[index] ? bytesWritten : 0)) : undefined,
    isWritten: (then) => {
      const index = streams.findIndex(waits);
      const stream = streams[index];
      if (!stream) return true;
      Reflect.apply(writes[index] ?? stream.write, stream, ['', then]);
      return false;
    },
  };
}
