// What is printed for --help, word for word: read a change of these files as a user would.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDivvyTask, divvy, freshFolder, home } from './commands.ts';
import { divvyHere } from './in-process.ts';

const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
const golden = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'help', `${name}.txt`), 'utf8').replaceAll('VERSION', version);

describe.each([
  ['create-divvy-task', createDivvyTask, ['--help']],
  ['divvy', divvy, ['--help']],
  ['divvy', divvy, ['-h']],
  ['divvy-create', divvy, ['create', '--help']],
  ['divvy-add', divvy, ['add', '--help']],
  ['divvy-remove', divvy, ['remove', '--help']],
  ['divvy-hook', divvy, ['hook', '--help']],
  ['divvy-hook', divvy, ['hook', 'add', '--help']],
  ['divvy-undo', divvy, ['undo', '--help']],
  ['divvy-apply', divvy, ['apply', '--help']],
  ['divvy-list', divvy, ['list', '-h']],
  ['divvy-status', divvy, ['status', '--help']],
  ['divvy-runs', divvy, ['runs', '--help']],
  ['divvy-failures', divvy, ['failures', '--help']],
  ['divvy-report', divvy, ['report', '--help']],
  ['divvy-pause', divvy, ['pause', '--help']],
  ['divvy-continue', divvy, ['continue', '--help']],
  ['divvy-workers', divvy, ['workers', '--help']],
  ['divvy-cancel', divvy, ['cancel', '--help']],
  ['divvy-stop', divvy, ['stop', '--help']],
  ['divvy-template', divvy, ['template', '--help']],
  ['divvy-template', divvy, ['template', 'check', '--help']],
  ['divvy-completion', divvy, ['completion', '--help']],
  ['divvy-run', divvy, ['run', '--help']],
  ['divvy-join', divvy, ['join', '--help']],
  ['divvy-doctor', divvy, ['doctor', '--help']],
  ['divvy-diff', divvy, ['diff', '--help']],
  ['divvy-upgrade', divvy, ['upgrade', '--help']],
  ['divvy-eject', divvy, ['eject', '--help']],
] as const)('%s.txt', (name, command, argv) => {
  test(`is what ${argv.join(' ')} prints`, async () => {
    expect(await command(argv, { cwd: freshFolder() })).toEqual({
      code: 0,
      signal: null,
      stdout: golden(name),
      stderr: '',
    });
  });

  test('fits a terminal of 100 columns', () => {
    for (const line of golden(name).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

test.each([
  [createDivvyTask, ['--version']],
  [divvy, ['--version']],
  [divvy, ['create', '--version']],
] as const)('the version', async (command, argv) => {
  expect(await command(argv)).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [
    [],
    'no command or task file was given',
    'create, add, remove, hook, undo, apply, run, join, list, status, runs, failures, report, pause, continue, workers, cancel, stop, template',
  ],
  [['lst'], '"lst" is neither a command nor a task file', 'Did you mean list?'],
  [['upgrade'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['doctor'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['diff'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['eject'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['template'], '`divvy template` needs a subcommand', 'Write `divvy template list`'],
  [['template', 'chek'], '`divvy template` does not know "chek"', 'Did you mean check?'],
  [['template', 'list', 'x'], '"x" is one argument too many', 'no arguments'],
  [['template', 'check', 'a', 'b'], '"b" is one argument too many', 'one folder'],
  [['template', 'check', '--dry-run'], 'divvy template check has no flag --dry-run', 'lists its flags'],
  [['template', 'new'], 'the new template has no name', '`divvy template new <name>`'],
  [
    ['template', 'new', 'My Template'],
    '"My Template" cannot be the name of a template: a name is lower-case words',
    'Try another',
  ],
  [['add'], 'no task is named', '`divvy add <task>`'],
  [['remove'], 'no task is named', '`divvy remove <task>`'],
  [['add', 'engine'], '`divvy add engine` is not complete', 'Write `divvy add engine bullmq`.'],
  [['add', 'engine', 'bulmq'], '`divvy add engine` does not know "bulmq"', 'Did you mean bullmq?'],
  [['remove', 'engine', 'kafka'], '`divvy remove engine` does not know "kafka"', 'Write `divvy remove engine bullmq`.'],
  [['add', 'engine', 'bullmq', 'x'], '"x" is one argument too many', 'an engine'],
  [['add', 'telemetry', 'x'], '"x" is one argument too many', 'one task, telemetry, or an engine'],
  [['add', 'nightly', 'weekly'], '"weekly" is one argument too many', 'one task, telemetry, or an engine'],
  [['remove', 'nightly', 'weekly'], '"weekly" is one argument too many', 'one task, telemetry, or an engine'],
  [['join', 'nightly'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['remove', 'nightly'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['hook'], '`divvy hook` needs a subcommand', '`divvy hook add <hook…>`'],
  [['hook', 'ad', 'total'], '`divvy hook` does not know "ad"', 'Did you mean add?'],
  [['hook', 'add', 'total'], 'there is no divvy.json in', 'npm create divvy-task'],
  [['apply'], 'no plan is named', 'Write `divvy apply FILE`'],
  [['apply', 'nowhere.json'], '"nowhere.json" cannot be used as a plan', '--plan'],
  [['undo', 'it'], '"it" is one argument too many', 'no arguments'],
  [['undo', '--allow-dirty'], 'divvy undo has no flag --allow-dirty', 'divvy undo --help'],
  [['list', 'x'], '"x" is one argument too many', 'no arguments'],
])('divvy %j is exit 2', async (argv, message, remedy) => {
  const { code, stdout, stderr } = await divvy(argv, { cwd: freshFolder() });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr).toContain(remedy);
});

test('a command word given to create-divvy-task is that command', async () => {
  const { code, stdout } = await createDivvyTask(['list', '--json'], { cwd: freshFolder() });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ command: 'list', tasks: [] });
});

test.each([
  ['create'],
  ['add', 'nightly'],
  ['remove', 'nightly'],
  ['hook', 'add', 'key'],
  ['undo'],
  ['apply', 'plan.json'],
  ['run', 'nightly'],
  ['join', 'nightly'],
  ['list'],
  ['status'],
  ['runs'],
  ['failures'],
  ['report'],
  ['pause', 'nightly'],
  ['continue', 'nightly'],
  ['workers', '3', 'nightly'],
  ['cancel', 'key', 'nightly'],
  ['stop', 'nightly'],
  ['template', 'list'],
  ['template', 'new', 'team'],
  ['template', 'check'],
  ['template', 'test'],
])('divvy %s %s takes --yes and --no-input', async (...words) => {
  const [command = '', ...rest] = words.filter((word) => word !== undefined);
  for (const flag of ['--yes', '-y', '--no-input']) {
    const { stderr } = await divvyHere([command, flag, ...rest], freshFolder());
    expect(stderr).not.toMatch(/has no flag|there is no flag|no option|"-/);
  }
});

test('a mistyped command with --json is one object on stdout, as any other refusal', async () => {
  const { code, stdout } = await divvy(['lst', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: { exitCode: 2, message: expect.stringContaining('"lst"'), remedy: expect.stringContaining('list?') },
  });
});
