/** What a package's scripts say to the programs that they run. */

import type { PackageJson } from './package-json.ts';

/**
 * The values that a program is given for an option, in any script.
 *
 * names - of the option, such as `--config` and `-c`.
 */
export function optionsOf(packageJson: PackageJson | undefined, program: string, names: readonly string[]): string[] {
  return (packageJson?.scripts ?? []).flatMap(commandsOf).flatMap((words) => {
    const at = words.findIndex((word) => word.replace(/^.*[\\/]/, '') === program);
    return at < 0 ? [] : valuesIn(words.slice(at + 1), names);
  });
}

/** The commands of a script, as words. No shell is asked: quotes go, and what is in them may hold white space. */
const commandsOf = (script: string): string[][] =>
  script
    .split(/&&|\|\|?|[;&]/)
    .map((command) =>
      (command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replaceAll(/["']/g, '')),
    );

const valuesIn = (words: readonly string[], names: readonly string[]): string[] =>
  words.flatMap((word, index) => {
    const [name = word, value = words[index + 1]] = /^(-[^=]*)=(.*)$/.exec(word)?.slice(1) ?? [];
    return names.includes(name) && value !== undefined ? [value] : [];
  });
