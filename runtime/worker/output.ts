/**
 * What a worker writes on its stdout and stderr: out before its items count. The only place in a worker that patches a stream's
 * `write`. Runs in a worker. Internal.
 */

const NEWLINE = 0x0a;

/** What a worker writes on stdout and stderr. */
export interface WorkerOutput {
  /** Where a line is open: how much of each has been written, in bytes; 0 for one whose lines are ended. */
  openLines(): readonly number[] | undefined;
  /** Whether all that was written has left this process. If not, `then` is called when more of it has. */
  isWritten(then: () => void): boolean;
}

/**
 * What is written is in the pipe when the call returns, and so before any ack: nothing of it is lost with this process, and nothing
 * piles up in its memory, however slowly it is read. A process that an item starts may share the pipe, and make it non-blocking
 * again: so it is made blocking before each write, and what waits all the same keeps acks back.
 */
export function writeBlocking(): WorkerOutput {
  const streams = [process.stdout, process.stderr] as const;
  const open = [false, false];
  const writes = streams.map((stream, index) => {
    const { _handle } = stream as NodeJS.WriteStream & { _handle?: { setBlocking?: (is: boolean) => void } | null };
    const write = stream.write;
    stream.on('error', () => {}); // the master is gone, or the task has ended the stream and writes on
    _handle?.setBlocking?.(true);
    stream.write = ((...written: Parameters<typeof write>): boolean => {
      const [chunk] = written as unknown[];
      const last = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk.at(-1) : undefined;
      if (last !== undefined) {
        open[index] = last !== '\n' && last !== NEWLINE;
        _handle?.setBlocking?.(true);
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
