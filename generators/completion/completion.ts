/**
 * `divvy completion bash|zsh|fish`: prints a script that lets a shell complete commands and flags, made from the tables
 * of both.
 */

import type { Command } from '../terminal/command.ts';
import { noSuchShell } from '../terminal/errors.ts';
import { flagEntry, flagNames, written } from '../terminal/flags.ts';
import type { CommandHelp } from '../terminal/help.ts';

type Commands = Readonly<Record<string, CommandHelp>>;

/** The words that may follow a command, if there are only a few. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  hook: ['add', 'remove'],
  template: ['list', 'new', 'check', 'test'],
  completion: ['bash', 'zsh', 'fish'],
};

const SCRIPTS: Readonly<Record<string, (commands: Commands) => string>> = { bash, zsh, fish };

/**
 * Returns the command. It writes the script to stdout, and writes no file.
 *
 * commands - every command, by its name.
 *
 * The command rejects with a Refusal with exit code 2 if no shell is named, or an unknown one.
 */
export function completionOf(commands: Commands): Command {
  return async ({ shown, words: [shell = ''] }) => {
    const script = SCRIPTS[shell];
    if (script === undefined) throw noSuchShell(shown, shell, Object.keys(SCRIPTS));
    process.stdout.write(script(commands));
    return 0;
  };
}

/** The commands that take the generator's own flags. */
const withFlags = (commands: Commands): [name: string, help: CommandHelp][] =>
  Object.entries(commands).filter(([, { flagsElsewhere }]) => flagsElsewhere === undefined);

/** The flags of a command, as a person types them. */
const flagsOf = (command: string): string[] =>
  flagNames(command).flatMap((name) => {
    const { negation, short } = flagEntry(name);
    return [
      ...(short ? [`-${short}`] : []),
      ...(negation === 'both' ? [`--${name}`, `--no-${name}`] : [written(name)]),
    ];
  });

/** The spellings of each flag that takes a value, and the values that it accepts. */
const valued = (commands: Commands): { words: string; choices: readonly string[] }[] => {
  const names = new Set(withFlags(commands).flatMap(([name]) => flagNames(name)));
  return [...names].flatMap((name) => {
    const { short, value, choices = [] } = flagEntry(name);
    return value === undefined ? [] : [{ words: `${short ? `-${short}|` : ''}--${name}`, choices }];
  });
};

function bash(commands: Commands): string {
  const names = Object.keys(commands);
  const withChoices = valued(commands).filter(({ choices }) => choices.length > 0);
  const others = valued(commands).filter(({ choices }) => choices.length === 0);
  return `# Completes divvy and create-divvy-task. In ~/.bashrc: eval "$(divvy completion bash)"
_divvy() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= words= at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      -C|--cwd) ((at++)) ;;
      ${names.join('|')}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $before in
${withChoices.map(({ words, choices }) => `    ${words}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word")); return ;;`).join('\n')}
    ${others.map(({ words }) => words).join('|')}) COMPREPLY=(); return ;;
  esac
  if [[ $word == -* ]]; then
    case \${command:-create} in
${withFlags(commands)
  .map(([name]) => `      ${name}) words='${flagsOf(name).join(' ')}' ;;`)
  .join('\n')}
    esac
  elif [[ -z $command ]]; then
    words='${names.join(' ')}'
  else
    case $command in
${Object.entries(PARTS)
  .map(([name, parts]) => `      ${name}) words='${parts.join(' ')}' ;;`)
  .join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _divvy divvy create-divvy-task
`;
}

function zsh(commands: Commands): string {
  return `# In ~/.zshrc, behind compinit: eval "$(divvy completion zsh)"
autoload -U +X bashcompinit && bashcompinit
${bash(commands).split('\n').slice(1).join('\n')}`;
}

function fish(commands: Commands): string {
  const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = ['# In ~/.config/fish/config.fish: divvy completion fish | source'];
  for (const program of ['divvy', 'create-divvy-task']) {
    const add = (condition: string, rest: string): void => {
      lines.push(`complete -c ${program} -n ${quoted(condition)} ${rest}`);
    };
    for (const [name, { summary, flagsElsewhere }] of Object.entries(commands)) {
      const isIt = `__fish_seen_subcommand_from ${name}`;
      add('__fish_use_subcommand', `-a ${name} -d ${quoted(summary)}`);
      const parts = PARTS[name];
      if (parts) add(isIt, `-f -a ${quoted(parts.join(' '))}`);
      if (flagsElsewhere !== undefined) continue;
      for (const flag of flagNames(name)) {
        const { short, value, negation, choices, help, helpIn } = flagEntry(flag);
        const takes = value === undefined ? '' : choices ? ` -x -a ${quoted(choices.join(' '))}` : ' -r';
        const described = ` -d ${quoted(helpIn?.[name] ?? help)}${takes}`;
        if (negation !== 'only') add(isIt, `${short ? `-s ${short} ` : ''}-l ${flag}${described}`);
        if (negation !== undefined) add(isIt, `-l no-${flag}${described}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
