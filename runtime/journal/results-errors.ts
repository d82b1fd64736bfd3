/** The errors of the file of --results: what is wrong, with the value, and what to do next. Internal. */

import { DivvyError, messageOf, UsageError } from '../errors.ts';
import { shellWords } from '../text/shell.ts';
import { RemovedError } from './append-file.ts';
import { type HeldBy, inUse } from './errors.ts';

export const resultsExist = (file: string): UsageError =>
  new UsageError(
    `${file} has something in it already, and is left as it is; name another file with --results, or, if it has the results of a run that is unfinished, go on with that by --resume`,
  );

export const resultsAreNoFile = (file: string): UsageError =>
  new UsageError(`the results cannot be written to ${file}: it is not a file; name one with --results`);

export const resultsAreOutput = (file: string, stream: string): UsageError =>
  new UsageError(
    `${file} is where ${stream} goes, and would get other lines than results; name another file with --results`,
  );

export const resultsInUse =
  (file: string): HeldBy =>
  (holder, known) =>
    inUse(
      `the file of results ${file} is in use`,
      holder,
      known,
      'Wait until that run has ended, or name another file',
    );

export const resultsFailed = (file: string, error: unknown): DivvyError => {
  if (error instanceof DivvyError) return error;
  const next =
    error instanceof RemovedError
      ? 'put it back if you can, and go on with --resume; otherwise begin a new run'
      : 'correct that, then run the same command with --resume';
  return new DivvyError(`the results cannot be written: ${file}: ${messageOf(error)}; ${next}`, 74, { cause: error });
};

export const resultsNotOpened = (file: string, error: unknown): DivvyError =>
  error instanceof DivvyError
    ? error
    : new DivvyError(
        `the results cannot be written: ${file}: ${messageOf(error)}; fix that, or name another file with --results`,
        74,
        { cause: error },
      );

export const notOfThisRun = (file: string): UsageError =>
  new UsageError(
    `${file} is not the file of this run's results, and is left as it is: it does not have the lines that the journal knows; put that file back, or begin a new run, without --resume and --retry-failed`,
  );

export const resultsGoOn = (file: string, bytes: number): UsageError =>
  new UsageError(
    `${file} has ${bytes} bytes more than the journal knows, is not the file that the run has written, and is left as it is; if it is a copy of that one, cut them off (truncate -s -${bytes} ${shellWords([file])}) and start again, or put that file back`,
  );

export const resultsAreGone = (file: string, missing: number, before: string): UsageError =>
  new UsageError(
    `the results of this run are not in ${file}: ${missing} items are done, and have no line there${before === file ? '' : `; they were written to ${before}`}; put that file back or name it, or begin a new run, without --resume and --retry-failed`,
  );

export const resultsCameLate = (without: number): UsageError =>
  new UsageError(
    `the run was begun without --results, and what process returned for the ${without} items that are done is not kept; go on without --results, or begin a new run, without --resume and --retry-failed`,
  );

export const orderCameLate = (file: string): UsageError =>
  new UsageError(
    `the results in ${file} are not in the order of dispatch, since the run was begun without --ordered; go on without it, or begin a new run, without --resume and --retry-failed`,
  );

export const orderedIsNotRetried = (file: string): UsageError =>
  new UsageError(
    `the results in ${file} are in the order of dispatch (--ordered), and those of retried items would come after them; --failures lists what has failed: to process it again, begin a new run that dispatches only that, with another file of results`,
  );
