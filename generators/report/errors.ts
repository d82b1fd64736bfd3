/** The messages of refusals about reports. */

import { harmless } from '../terminal/harmless.ts';
import { quoted, Refusal } from '../terminal/refusal.ts';

export const notAReport = (why: string): Refusal =>
  new Refusal(
    2,
    `what the runtime says of the run is not a report that this divvy can draw: ${harmless(why)}`,
    'Use the divvy of the release that made the project (npm run divvy -- report), or renew the runtime: divvy upgrade.',
  );

/** The runner's own words, and its exit code. With 1 and 2 it says itself what to do next. */
export const noReport = (said: string, exitCode: number | undefined, byHand: string): Refusal =>
  new Refusal(
    exitCode === 2 ? 2 : 1,
    `there is no report: ${harmless(withoutName(said))}`,
    exitCode === 1 || exitCode === 2 ? '' : `Ask the runtime by hand:\n  ${byHand}`,
  );

const withoutName = (said: string): string => said.replace(/^divvy: /gm, '');

export const reportInTheWay = (file: string): Refusal =>
  new Refusal(
    3,
    `${quoted(file)} is there already, and divvy did not write it as a report`,
    'Nothing was written. Name another file with -o, or replace this one with --force.',
  );

export const reportIsNoFile = (file: string): Refusal =>
  new Refusal(
    3,
    `${quoted(file)} is not a file`,
    'Nothing was written. Name a file with -o, or write to stdout with -o -.',
  );

export const reportNotWritten = (file: string, why: string): Refusal =>
  new Refusal(1, `the report cannot be written: ${quoted(file)}: ${harmless(why)}`, 'Name another file with -o.');

export const noPageBundle = (): Refusal =>
  new Refusal(2, 'this divvy runs from its sources, and the page of reports is not built', 'Build it: npm run build');

export const stdoutIsTaken = (flag: string): Refusal =>
  new Refusal(2, `${flag} needs stdout, and so does -o -`, `Leave -o - or ${flag} out.`);

export const noAddressToServe = (why: string): Refusal =>
  new Refusal(
    1,
    `the page cannot be served on 127.0.0.1: ${harmless(why)}`,
    'Make a report instead: leave --live out.',
  );

export const reportEndedEarly = (why: string): Refusal =>
  new Refusal(1, `the run can't be followed any further: ${harmless(withoutName(why))}`, '');
