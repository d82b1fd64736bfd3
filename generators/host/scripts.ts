/** Reads the options that a package's scripts pass to programs. */

import type { PackageJson } from './package-json.ts';

/**
 * The values of an option of a program, in all scripts.
 *
 * names - of the option, such as `--config` and `-c`.
 */
export function optionsOf(packageJson: PackageJson | undefined, program: string, names: readonly string[]): string[] {
  return (packageJson?.scripts ?? []).flatMap(commandsOf).flatMap((words) => {
    const at = words.findIndex((word) => word.replace(/^.*[\\/]/, '') === program);
    return at < 0 ? [] : valuesIn(words.slice(at + 1), names);
  });
}

/**
 * The commands of a script, as words. No shell is involved: quotes are removed, and text in quotes may contain white
 * space.
 */
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
