/** Whether names that are put into a template's sources become names that are in them already. */

import { className, namesOfRuntime } from '../project/names.ts';
import type { TemplateFile } from '../sources/templates.ts';
import { type Answer, identifiersOf } from './placeholders.ts';

/**
 * Why the code would not be what the template says, or would not compile, with these names; undefined where it is.
 *
 * Two names may become one identifier (a task `users` and a table `users`), or an identifier that the file has already: a
 * type of its own, an import, a global such as `Promise`; or one that hooks import from the runtime. What no file uses is
 * hidden from nobody, and may be taken.
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

/** Comments, and strings as far as they hold no code. */
const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

/** The identifiers of a source; of members only what declares them, since a name takes no other's place there. */
const identifiersIn = (source: string): Set<string> =>
  new Set(source.replace(NO_CODE, ' ').match(/(?<![\w$.#])[A-Za-z_$][\w$]*/g));
