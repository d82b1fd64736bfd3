// A run that a package manager's script started, stopped by a signal to the package manager alone, as a supervisor sends it.
import { spawn } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JournalRecord } from '../../runtime/journal/records.ts';
import { createDivvyTask, freshFolder, home } from '../generators/commands.ts';
import { type Client, clients, outside } from '../package/clients.ts';
import { gone, isAlive, makeGate } from '../runtime/run-task.ts';

const TASK = `import type { Parallelizable } from '#divvy';
import { waitAtGate } from './lib/gate.ts';

export default class AtTheGate implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    yield* ['one', 'two', 'three'];
  }

  process(item: string): Promise<void> {
    return waitAtGate(item);
  }
}
`;

/** A project with a task whose items wait at a gate. */
async function projectFor(pm: string): Promise<string> {
  const cwd = freshFolder();
  expect(await createDivvyTask(['gate', '--pm', pm, '--no-git'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  const project = join(cwd, 'gate');
  writeFileSync(join(project, 'tasks/gate.ts'), TASK);
  mkdirSync(join(project, 'tasks/lib'));
  copyFileSync(join(home, 'test/runtime/tasks/gate.ts'), join(project, 'tasks/lib/gate.ts'));
  return project;
}

/** Starts a script of the project, in a group of its own that goes with the test. */
function start({ command }: Client, script: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...script], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid = 0 } = child;
  onTestFinished(() => {
    if (isAlive(-pid)) process.kill(-pid, 'SIGKILL');
  });
  let output = '';
  let heard = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      heard();
    });
  }
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const said = async (pattern: RegExp): Promise<void> => {
    const over = ended.then(() => {
      throw new Error(`it ended without having said ${pattern}:\n${output}`);
    });
    const hears = (): Promise<void> => new Promise((resolve) => (heard = resolve));
    while (!pattern.test(output)) await Promise.race([hears(), over]);
  };
  return { pid, ended, said };
}

const recordsOf = (project: string): JournalRecord[] =>
  globSync('.divvy/gate/*.ndjson', { cwd: project }).flatMap((file) =>
    readFileSync(join(project, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalRecord),
  );

const managers = clients.filter(({ name }) => ['npm', 'pnpm', 'bun'].includes(name));
const scripts = [['start'], ['run', 'divvy:gate']];
const cases = managers.flatMap((client) =>
  scripts.flatMap((script) =>
    (['SIGTERM', 'SIGINT'] as const).map((signal) => ({ name: client.name, script, signal, client })),
  ),
);

describe('a signal to the package manager alone, while items are in progress, stops the run as one to the master does', () => {
  test.each(cases)('$name $script: $signal', async ({ name, script, signal, client }) => {
    const project = await projectFor(name);
    const gate = await makeGate();
    const sockets = freshFolder();
    const env = { ...outside(), ...gate.env, XDG_RUNTIME_DIR: sockets, npm_config_script_shell: '/bin/sh' };
    const words = name === 'bun' && script[0] === 'start' ? ['run', 'start'] : script;
    const run = start(client, [...words, ...(name === 'npm' ? ['--'] : []), '-n', '2'], project, env);
    await gate.arrived(2);
    process.kill(run.pid, signal);
    if (signal === 'SIGINT') {
      await run.said(/2 items in progress awaited|[Ww]aiting for 2 items/);
      gate.open();
    }
    expect(await run.ended).toEqual({ code: null, signal });

    const records = recordsOf(project);
    const processes = records.flatMap((each) => (each.type === 'run' || each.type === 'worker' ? [each.pid] : []));
    expect(processes).toHaveLength(3);
    for (const pid of processes) await gone(pid);
    await gone(-run.pid);
    // pnpm has files of its own there.
    expect(readdirSync(sockets).filter((name) => name.startsWith('divvy'))).toEqual([]);
    const done = signal === 'SIGINT' ? 2 : 0;
    expect(records.filter(({ type }) => type === 'done')).toHaveLength(done);
    expect(records.at(-1)).toMatchObject({
      type: 'end',
      complete: false,
      stoppedBy: signal,
      counts: expect.objectContaining({ done, failed: 0 }),
    });
  });
});
