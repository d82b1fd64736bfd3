// What npm keeps to itself of `npm create divvy-task my-task --template files`.
import { describe, expect, test } from 'vitest';
import { createDivvyTask, freshFolder, treeOf } from './commands.ts';

const npm = { npm_command: 'exec', npm_config_user_agent: 'npm/11.0.0 node/v26' };

describe('a flag that can only have been meant for us is exit 2, and the right command line is shown:', () => {
  test.each([
    [{ npm_config_template: 'files' }, '--template', 'npm create divvy-task my-task -- --template files'],
    [{ npm_config_hooks: 'total,afterRun' }, '--hooks', 'npm create divvy-task my-task -- --hooks total,afterRun'],
    [{ npm_config_pm: 'pnpm', npm_config_yes: 'true' }, '--pm', '-- --pm pnpm --yes'],
    [{ npm_config_runtime_dir: "it's" }, '--runtime-dir', String.raw`-- --runtime-dir 'it'\''s'`],
    [{ npm_config_on_conflict: 'skip' }, '--on-conflict', '-- --on-conflict skip'],
    [{ npm_config_install: '', npm_config_input: '' }, '--no-install', 'my-task -- --no-input --no-install'],
    [{ npm_config_trust: 'true' }, '--trust', 'my-task -- --trust'],
    // To npm these are its own: `-p -m pnpm`, and the path of a program.
    [{ npm_config_parseable: 'true', npm_config_message: 'pnpm' }, '--pm', 'my-task -- --pm pnpm'],
    [{ npm_config_git: 'false' }, '--no-git', 'my-task -- --no-git'],
    [{ npm_config_git: '' }, '--git', 'my-task -- --git'],
    [{ npm_config_diff: 'true' }, '--diff', 'my-task -- --diff'],
    [{ npm_config_hooks: 'key', npm_config_dry_run: 'true' }, '--hooks', 'my-task -- --hooks key --dry-run'],
  ])('%j', async (env, flag, line) => {
    const cwd = freshFolder();
    const { code, stderr } = await createDivvyTask(['my-task'], { cwd, env: { ...npm, ...env } });
    expect(code).toBe(2);
    expect(stderr).toContain(flag);
    expect(stderr).toContain(line);
    expect(treeOf(cwd)).toEqual({});
  });
});

describe('a value that npm let pass as an argument is that of its flag:', () => {
  const took = { npm_config_template: 'true' };
  test.each([
    [['my-task', 'files'], took, 'my-task -- --template files'],
    [['my-task', 'files'], { npm_config_t: 'true' }, 'my-task -- --template files'],
    [['my-task', 'files', 'key'], { ...took, npm_config_hooks: 'true' }, 'my-task -- --template files --hooks key'],
    [['my-task', 'a=b'], { npm_config_data: 'true', npm_config_yes: 'true' }, 'my-task -- --data a=b --yes'],
    [
      ['my-task', 'f'],
      { npm_config_parseable: 'true', npm_config_long: 'true', npm_config_all: 'true' },
      'my-task -- --plan f',
    ],
    [['files'], took, '-- --template files'],
    [[], took, '-- --template NAME'],
  ])('%j, %j', async (argv, env, line) => {
    const cwd = freshFolder();
    const { code, stderr } = await createDivvyTask(argv, { cwd, env: { ...npm, ...env } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: npm took --/);
    expect(stderr).toContain(`  npm create divvy-task ${line}\n`);
    expect(treeOf(cwd)).toEqual({});
  });
});

test("npm's own settings are not taken for flags", async () => {
  const cwd = freshFolder();
  const own = { npm_config_parseable: 'true', npm_config_message: 'v%s', npm_config_git: '/usr/bin/git' };
  const env = { ...npm, ...own, npm_config_all: 'true' };
  expect(await createDivvyTask(['my-task', '--dry-run'], { cwd, env })).toMatchObject({ code: 0, stderr: '' });
});

test.each(['init', 'exec'])('to npm create its command is %s', async (npm_command) => {
  const env = { ...npm, npm_command, npm_config_yes: 'true' };
  const { stderr } = await createDivvyTask(['my-task', '--dry-run'], { cwd: freshFolder(), env });
  expect(stderr).toContain('npm may have kept --yes to itself');
});

test('npm_config_dry_run is obeyed', async () => {
  const cwd = freshFolder();
  const { code, stdout } = await createDivvyTask(['my-task'], { cwd, env: { ...npm, npm_config_dry_run: 'true' } });
  expect(code).toBe(0);
  expect(stdout).toContain('Nothing was written.');
  expect(treeOf(cwd)).toEqual({});
});

test('what an .npmrc may say too is no error: the line is shown, and the project made', async () => {
  const cwd = freshFolder();
  const env = { ...npm, npm_config_yes: 'true', npm_config_json: 'true', npm_config_git: 'git' };
  const { code, stderr } = await createDivvyTask(['my-task', '--no-git'], { cwd, env });
  expect(code).toBe(0);
  expect(stderr).toContain('npm create divvy-task my-task -- --yes --json');
  expect(Object.keys(treeOf(cwd))).toContain('my-task/divvy.json');
});

test('what reached us is not asked for again', async () => {
  const cwd = freshFolder();
  const env = { ...npm, npm_config_template: 'files', npm_config_yes: 'true' };
  const { code, stderr } = await createDivvyTask(['my-task', '-t', 'basic', '--yes', '--dry-run'], { cwd, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
