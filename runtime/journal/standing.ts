/**
 * The state of runs, read from their journals without reading them completely: they may have millions of lines. Runs in
 * the master, and in commands that show the state of runs. Internal.
 */

import fs from 'node:fs';
import { DivvyError } from '../errors.ts';
import { readLines } from './reading.ts';
import { type EndRecord, type JournalRecord, parse, type RunRecord } from './records.ts';

/** The state of a run. */
export interface Standing {
  readonly file: string;
  /** The first line; undefined if it can't be read. */
  readonly first: RunRecord | undefined;
  /** The number in the last `run` line; 0 if there is none. */
  readonly number: number;
  /**
   * Any item is done or has failed, or at least a result may have been written. A run without outcomes never counts as
   * the last run.
   */
  readonly hasOutcomes: boolean;
  /** Nothing is left to resume. */
  readonly complete: boolean;
}

const CHUNK_BYTES = 1024 * 1024;
/** Enough for the last line of a journal, an `end`. */
const TAIL_BYTES = 16 * 1024;
const NEWLINE = 10;
const RUN = Buffer.from('{"type":"run",');
const OUTCOMES = ['{"type":"done",', '{"type":"failed",', '{"type":"results"'].map((text) => Buffer.from(text));

/** Returns the state of a journal's run; undefined if the file is gone. Throws errors of fs. */
export function standingOf(file: string): Standing | undefined {
  try {
    const end = endOf(file);
    const number = end?.number ?? lastRunOf(file)?.number ?? 0;
    return { file, number, complete: end?.complete === true, ...beginningOf(file) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined; // a run that has just begun removed it to make room
  }
}

/** Reads a journal up to its first outcome. */
function beginningOf(file: string): Pick<Standing, 'first' | 'hasOutcomes'> {
  let line = 0;
  let first: RunRecord | undefined;
  let hasOutcomes = false;
  readLines(file, (bytes, from, end) => {
    line += 1;
    if (line === 1) first = recordIn(bytes.toString('utf8', from, end), 'run', file);
    hasOutcomes = OUTCOMES.some((text) => bytes.subarray(from, from + text.length).equals(text));
    return !hasOutcomes;
  });
  return { first, hasOutcomes };
}

/** Returns the first line of a journal; undefined if it can't be read. Throws errors of fs. */
export function firstRunOf(file: string): RunRecord | undefined {
  let first: RunRecord | undefined;
  readLines(file, (bytes, from, end) => {
    first = recordIn(bytes.toString('utf8', from, end), 'run', file);
    return false;
  });
  return first;
}

/** Returns how a journal's run ended; undefined if it goes on or was killed. Throws errors of fs. */
export function endOf(file: string): EndRecord | undefined {
  return withBytes(file, (read, size) => {
    const tail = read(Math.max(0, size - TAIL_BYTES), size);
    const lines = tail.toString().split('\n');
    return recordIn(lines.at(-2) ?? '', 'end', file); // after the last newline there may be a torn tail
  });
}

/** Returns whether nothing is left to resume, as far as the journal can be read. */
export function isComplete(file: string): boolean {
  try {
    return endOf(file)?.complete === true;
  } catch {
    return false; // it is gone, or can't be read
  }
}

/** Returns the last `run` line of a journal, searched from its end; undefined if there is none. Throws errors of fs. */
export function lastRunOf(file: string): RunRecord | undefined {
  return withBytes(file, (read, size, readLine) => {
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - CHUNK_BYTES);
      // A match may begin in one chunk and go on in the next.
      const bytes = read(start, Math.min(size, end + RUN.length));
      for (let at = bytes.lastIndexOf(RUN); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(RUN, at - 1)) {
        if (at > 0 ? bytes[at - 1] !== NEWLINE : start > 0) continue;
        const record = recordIn(lineAt(readLine, start + at, size), 'run', file);
        if (record) return record;
      }
      // Whether a match at the first byte of a chunk begins a line depends on the byte before it.
      end = start === 0 ? 0 : start + 1;
    }
    return undefined;
  });
}

/** Reads bytes of a file; they are valid until the next call. */
type Read = (from: number, to: number) => Buffer;

function withBytes<T>(file: string, act: (read: Read, size: number, readMore: Read) => T): T {
  const descriptor = fs.openSync(file, 'r');
  try {
    return act(readerOf(descriptor), fs.fstatSync(descriptor).size, readerOf(descriptor));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Reuses one buffer; otherwise there would be as much garbage as the journal is large. */
function readerOf(descriptor: number): Read {
  let buffer = Buffer.alloc(0);
  return (from, to) => {
    if (buffer.length < to - from) buffer = Buffer.allocUnsafe(to - from);
    return buffer.subarray(0, fs.readSync(descriptor, buffer, 0, to - from, from));
  };
}

/** Returns the line that begins at a byte, without its newline; empty if it has no newline. */
function lineAt(read: Read, from: number, size: number): string {
  for (let length = TAIL_BYTES; ; length *= 2) {
    const bytes = read(from, Math.min(size, from + length));
    const end = bytes.indexOf(NEWLINE);
    if (end >= 0) return bytes.toString('utf8', 0, end);
    if (from + length >= size) return '';
  }
}

/** Returns the record in a line if it has this type. */
function recordIn<Type extends JournalRecord['type']>(
  line: string,
  type: Type,
  file: string,
): Extract<JournalRecord, { type: Type }> | undefined {
  try {
    const record = parse(line, file, 0);
    return record?.type === type ? (record as Extract<JournalRecord, { type: Type }>) : undefined;
  } catch (error) {
    if (error instanceof DivvyError) return undefined; // it is damaged, or has another format
    throw error;
  }
}
