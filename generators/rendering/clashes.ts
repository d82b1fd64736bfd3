/** Checks that names which are put into a template's sources do not clash with names in those sources. */

import { className, namesOfRuntime } from '../project/names.ts';
import type { TemplateFile } from '../sources/templates.ts';
import { type Answer, identifiersOf } from './placeholders.ts';

/**
 * Why these names would make code that means something else or does not compile; undefined if they would not.
 *
 * Two names may become the same identifier (a task `users` and a table `users`). Or a name may become one that the file
 * has already: its own type, an import, a global such as `Promise`, or a name that hooks import from the runtime. A
 * name that no file uses may be taken.
 */
export function whyClashing(
  files: readonly TemplateFile[],
  task: string,
  answers: readonly Answer[],
): string | undefined {
  const names = [
    { from: 'ExampleTask', to: className(task) },
    ...answers.filter(({ isName }) => isName).flatMap(identifiersOf),
  ];
  for (const { path, bytes } of files) {
    if (!/\.[cm]?[jt]sx?(\.ejs)?$/.test(path)) continue;
    const inFile = identifiersIn(bytes.toString('utf8'));
    const taken = new Set([...inFile, ...namesOfRuntime()]);
    for (const { from, to } of names) {
      if (!inFile.has(from)) continue;
      if (taken.has(to)) return `its ${to} would be another ${to} in ${path}`;
      taken.add(to);
    }
  }
  return undefined;
}

/** Comments, and strings that contain no code. */
const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

/** The identifiers of a source. Member names count only where they are declared, since elsewhere they cannot clash. */
const identifiersIn = (source: string): Set<string> =>
  new Set(source.replace(NO_CODE, ' ').match(/(?<![\w$.#])[A-Za-z_$][\w$]*/g));
