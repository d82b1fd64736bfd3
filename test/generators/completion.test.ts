// `divvy completion`: what the scripts offer is what the tables of commands and flags have. bash runs its script for real.
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { flagEntry, flagNames } from '../../generators/terminal/flags.ts';
import { divvy } from './commands.ts';

const COMMANDS = [
  'create',
  'add',
  'remove',
  'hook',
  'undo',
  'apply',
  'run',
  'join',
  'list',
  'status',
  'runs',
  'failures',
  'report',
  'pause',
  'continue',
  'workers',
  'cancel',
  'stop',
  'template',
  'completion',
  'doctor',
  'diff',
  'upgrade',
  'eject',
];
const scripts = new Map<string, string>();

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, code } = await divvy(['completion', shell]);
    expect(code).toBe(0);
    scripts.set(shell, stdout);
  }
});

/** What bash offers behind these words, the last of which is being typed. */
function offered(...words: string[]): string[] {
  const program = `${scripts.get('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _divvy; printf '%s\n' "\${COMPREPLY[@]}"`;
  const stdout = execFileSync('bash', ['-c', program, 'bash', ...words], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash offers', () => {
  test('every command', () => expect(offered('divvy', '')).toEqual(COMMANDS));

  test('a command by its beginning, also behind -C', () => {
    expect(offered('divvy', 'rem')).toEqual(['remove']);
    expect(offered('divvy', '-C', 'packages/one', 'und')).toEqual(['undo']);
  });

  test.each(COMMANDS.filter((name) => !['run', 'join'].includes(name)))('the flags of %s, and no others', (command) => {
    const long = flagNames(command).flatMap((name) => {
      const { negation } = flagEntry(name);
      return [...(negation === 'only' ? [] : [`--${name}`]), ...(negation === undefined ? [] : [`--no-${name}`])];
    });
    expect(offered('divvy', command, '--').sort()).toEqual(long.sort());
  });

  test('the choices of a flag, the parts of a command, and files elsewhere', () => {
    expect(offered('divvy', 'add', 'nightly', '--pm', 'p')).toEqual(['pnpm']);
    expect(offered('divvy', 'hook', '')).toEqual(['add', 'remove']);
    expect(offered('divvy', 'apply', '')).toEqual([]);
    expect(offered('divvy', 'add', '-t', '')).toEqual([]);
  });

  test('to the command of npm create what it takes', () =>
    expect(offered('create-divvy-task', '--templ')).toEqual(['--template']));

  test('nothing of its own behind run: the flags are those of the runtime', () =>
    expect(offered('divvy', 'run', 'nightly', '--')).toEqual([]));
});

test('zsh has the same, by what it has for scripts of bash', () => {
  const body = (shell: string): string => scripts.get(shell)?.slice(scripts.get(shell)?.indexOf('_divvy()')) ?? '';
  expect(body('zsh')).toBe(body('bash'));
  expect(scripts.get('zsh')).toContain('bashcompinit');
});

test('fish has every command with its summary, and each flag with its help', () => {
  const lines = scripts.get('fish')?.split('\n') ?? [];
  for (const command of COMMANDS) {
    const isIt = `-n '__fish_seen_subcommand_from ${command}'`;
    expect(
      lines.some((line) => line.startsWith(`complete -c divvy -n '__fish_use_subcommand' -a ${command} -d '`)),
    ).toBe(true);
    for (const flag of ['run', 'join'].includes(command) ? [] : flagNames(command)) {
      const long = flagEntry(flag).negation === 'only' ? `no-${flag}` : flag;
      expect(lines.some((line) => line.includes(isIt) && line.includes(` -l ${long} -d '`))).toBe(true);
    }
  }
});

test.each([
  [[], 'no shell is named'],
  [['csh'], 'there are no completions for "csh"'],
])('%j is refused', async (words, message) => {
  const { code, stderr } = await divvy(['completion', ...words]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});
