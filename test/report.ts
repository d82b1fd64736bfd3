/** What vitest's report in JSON says of a run: what test/all.ts tells at its end. */

import { relative } from 'node:path';

/** A report, as far as it is read. */
export interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: {
      status: string;
      fullName: string;
      failureMessages: string[];
      meta: { readonly needs?: string };
    }[];
  }[];
}

/** Each test that failed, with its message, and each file that could not be run. */
export function failuresOf({ testResults }: Report, home: string): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(home, name);
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0) return status === 'failed' ? [`${file}\n${message}`] : [];
    return tests.map(({ fullName, failureMessages }) => `${file} > ${fullName}\n${failureMessages.join('\n')}`);
  });
}

/** Each test that was not run since this machine lacks what it needs, by what that is. */
export function notRunIn({ testResults }: Report, home: string): Map<string, string[]> {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.flatMap(({ fullName, meta: { needs } }) => (needs ? [{ needs, name, fullName }] : [])),
  );
  const named = Map.groupBy(tests, ({ needs }) => needs);
  return new Map(
    [...named].map(([needs, all]) => [needs, all.map((test) => `${relative(home, test.name)} > ${test.fullName}`)]),
  );
}
