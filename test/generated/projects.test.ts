// Every built-in template with no hook, each hook alone, and all of them: what comes out is checked by its own means.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { withHooks } from '../../generators/project/hooks.ts';
import { projectFiles } from '../../generators/rendering/files.ts';
import { findTemplate } from '../../generators/sources/templates.ts';
import { home } from '../generators/commands.ts';
import {
  hookNames,
  hooksOfTemplate,
  hooksWrittenIn,
  makeProject,
  node,
  templateNames,
  withoutExperimental,
} from './projects.ts';

const combinations = [[], ...hookNames.map((hook) => [hook]), hookNames];

test('each template with each choice of hooks passes its type check, in one program', async () => {
  const project = await makeProject('basic');
  symlinkSync(join(home, 'node_modules'), join(project, 'node_modules'));
  const tasks: string[] = [];
  for (const template of templateNames) {
    for (const hooks of combinations) {
      const task = `${template}-${tasks.length}`;
      tasks.push(task);
      for (const { path, bytes } of await projectFiles(findTemplate(template), { task, runtimeDir: 'vendor/divvy' })) {
        if (!/^(tasks|test)\//.test(path)) continue;
        const file = join(project, path);
        mkdirSync(dirname(file), { recursive: true });
        const text = bytes.toString('utf8');
        writeFileSync(
          file,
          path === `tasks/${task}.ts` && hooks.length > 0
            ? (await withHooks(text, path, hooks, { note: () => {} })).text
            : text,
        );
      }
    }
  }
  expect(tasks).toHaveLength(templateNames.length * (hookNames.length + 2));

  // Stricter than the project's own tsconfig.json: hooks are added to projects of others too, and many forbid these.
  const stricter = ['--noUnusedLocals', '--noUnusedParameters', '--noPropertyAccessFromIndexSignature'];
  const compiler = join(home, 'node_modules/typescript/bin/tsc');
  const tsc = execa(process.execPath, [compiler, '--pretty', 'false', '--listFiles', ...stricter], {
    cwd: project,
    reject: false,
  });
  const { stdout, exitCode } = await tsc;
  const lines = stdout.split('\n');
  expect(lines.filter((line) => !line.startsWith('/'))).toEqual([]);
  expect(exitCode).toBe(0);
  for (const task of tasks) {
    expect(lines).toContain(join(project, `tasks/${task}.ts`));
    expect(lines).toContain(join(project, `test/${task}.test.ts`));
  }
});

describe.each(templateNames)('a project of the template %s', (template) => {
  test.each([
    { title: 'no hooks', hooks: [] },
    { title: 'all hooks', hooks: hookNames },
  ])('with $title passes its own tests, with nothing installed but what its task imports', async ({ hooks }) => {
    const project = await makeProject(template, hooks);
    const task = readFileSync(join(project, 'tasks/my-task.ts'), 'utf8');
    expect(hooksWrittenIn(task)).toEqual(hooks.length > 0 ? hooks : hooksOfTemplate(template));

    const { scripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    expect(scripts.test).toBe('node --test "test/**/*.test.ts"');
    const { exitCode, stdout, stderr } = await node(project, '--test', '--test-reporter=tap', 'test/**/*.test.ts');
    expect({ exitCode, stderr: withoutExperimental(stderr) }, stdout).toEqual({ exitCode: 0, stderr: '' });
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(2);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});

describe('npm start', () => {
  test('of basic shows which worker had which item', async () => {
    const project = await makeProject('basic', hookNames);
    const run = node(project, 'vendor/divvy/run.mjs', 'tasks/my-task.ts', '-n', '3');
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(0);
    const lines = stdout
      .split('\n')
      .map((line) => /^item (\d+) was processed by worker [123], process (\d+)$/.exec(line));
    const items = lines.map((line) => Number(line?.[1])).sort((a, b) => a - b);
    expect(items).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(lines.map((line) => Number(line?.[2]))).not.toContain(run.pid);
  });

  test('of dance-party hands out ten tickets, or as many as are asked for', async () => {
    const project = await makeProject('dance-party');
    for (const { args, count } of [
      { args: [], count: 10 },
      { args: ['tickets=3'], count: 3 },
      { args: ['--', '--tickets', '0'], count: 0 },
    ]) {
      const { exitCode, stdout } = await node(project, 'vendor/divvy/run.mjs', '-n', '2', 'tasks/my-task.ts', ...args);
      expect(exitCode).toBe(0);
      const [heading, ...lines] = stdout.split('\n');
      expect(heading).toBe(`${count} ticket codes for the dance party:`);
      for (const line of lines) expect(line).toMatch(/^ *\d+ {6}\d [0-9a-f]{40}$/);
      const codes = lines.map((line) => line.trim().split(/ +/)).map(([, ticket, code]) => ({ ticket, code }));
      expect(codes.map(({ ticket }) => Number(ticket)).sort()).toEqual(Array.from({ length: count }, (_, n) => n));
      for (const { ticket, code } of codes) expect(code).toBe(createHash('sha1').update(String(ticket)).digest('hex'));
    }
  });

  test('of dance-party says what is wrong with a number that is none', async () => {
    const project = await makeProject('dance-party');
    for (const wanted of ['many', '-1', '1.5', ' ']) {
      const { exitCode, stdout, stderr } = await node(
        project,
        'vendor/divvy/run.mjs',
        'tasks/my-task.ts',
        '--',
        `--tickets=${wanted}`,
      );
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(`tickets must be a whole number of at least 0, and is ${JSON.stringify(wanted)}`);
    }
  });
});
