// The recipes of a service and of a container: their command lines are run as they stand, but for the task.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readArguments } from '../../../runtime/cli/arguments.ts';
import { Project } from '../journal/ledger.ts';
import { AS_PID_1, innermost, makeGate } from '../run-task.ts';

const text = ['service', 'container']
  .map((name) => readFileSync(join(import.meta.dirname, `../../../docs/recipes/${name}.md`), 'utf8'))
  .join('\n');
const found = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? `${pattern} is not there`;
/** What stands behind the runner on each command line, without the task file, which is last. */
const unit = found(/^ExecStart=\/usr\/bin\/node vendor\/divvy\/run\.mjs (.*) tasks\/backfill\.ts$/m).split(' ');
const container = (JSON.parse(found(/^CMD (\[.*\])$/m)) as string[]).slice(2, -1);

test('the grace and the kill delay are over before systemd, or an orchestrator, kills', () => {
  for (const [args, withinMs] of [
    [unit, Number(found(/^TimeoutStopSec=(\d+)s$/m)) * 1000],
    [container, 10_000],
  ] as const) {
    const request = readArguments([...args, 'task.ts']);
    if (request.want !== 'run') throw new Error(`it is no run: ${args}`);
    const { graceMs = 0, killAfterMs = 5000, resume } = request.options;
    expect(resume).toBe(true);
    expect(graceMs + killAfterMs).toBeLessThan(withinMs);
  }
});

test('a service is not restarted where that would begin everything anew, or mend nothing', () => {
  expect(found(/^RestartPreventExitStatus=(.*)$/m)).toBe('1 2 70');
  expect(found(/^Restart=(.*)$/m)).toBe('on-failure');
});

test('the unit: TERM lets items in progress finish, and the next start goes on', async () => {
  const project = new Project(['gate 1', 'gate 2', 'left']);
  const gate = await makeGate();
  const first = project.run([...unit, '-n', '2'], { env: gate.env });
  await gate.arrived(2);
  first.kill('SIGTERM');
  await first.said(/waiting for 2 items/);
  gate.open();
  expect(await first.ended()).toMatchObject({ signal: 'SIGTERM' });
  expect(project.processed()).toEqual(['gate 1', 'gate 2']);
  expect((await project.run([...unit, '-n', '2']).ended()).status).toBe(0);
  expect(project.processed()).toEqual(['gate 1', 'gate 2', 'left']);
});

// Other systems have no PID namespaces.
if (process.platform === 'linux') {
  test('the container: as PID 1, TERM lets items in progress finish, and the next container goes on', async () => {
    const project = new Project(['gate 1', 'gate 2', 'left']);
    const gate = await makeGate();
    const first = project.run([...container, '-v', '-n', '2'], { by: AS_PID_1, env: gate.env });
    await first.said(/: master 1,/);
    await gate.arrived(2);
    process.kill(innermost(first.pid), 'SIGTERM');
    await first.said(/waiting for 2 items/);
    gate.open();
    expect((await first.ended()).status).toBe(143);
    expect(project.processed()).toEqual(['gate 1', 'gate 2']);
    const next = await project.run([...container, '-n', '2'], { by: AS_PID_1 }).ended();
    expect([next.status, next.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^divvy: Resuming run \S+ of .*\ndivvy: 3 items: 1 done, 2 skipped \(done in an earlier run\)\. Took .*\n$/,
      ),
    ]);
    expect(project.processed()).toEqual(['gate 1', 'gate 2', 'left']);
    expect(project.files()).toHaveLength(1);
  });

  test('the container: of one that was killed nobody here knows that it is gone, but who started it', async () => {
    const project = new Project(['done', 'gate', 'left']);
    const gate = await makeGate();
    const first = project.run([...container, '-v', '-n', '1'], { by: AS_PID_1, env: gate.env });
    await gate.arrived(1);
    await first.said(/item 1 .*is done/); // it counts a turn after the next was handed out
    // As long as somebody has it open no other namespace gets its number: of that one it would be known that all of it is gone.
    const namespace = openSync(`/proc/${innermost(first.pid)}/ns/pid`, 'r');
    onTestFinished(() => closeSync(namespace));
    process.kill(innermost(first.pid), 'SIGKILL');
    await first.closed;
    gate.open();
    const without = container.filter((word) => word !== '--take-over');
    const refused = await project.run([...without, '-n', '1'], { by: AS_PID_1, env: gate.env }).ended();
    expect([refused.status, project.processed()]).toEqual([75, ['done']]);
    expect(refused.stderr).toMatch(/process 1 on .* if it has ended, add --take-over\n$/);
    const next = project.run([...container, '-n', '1'], { by: AS_PID_1, env: gate.env });
    expect((await next.ended()).status).toBe(0);
    expect(project.processed()).toEqual(['done', 'gate', 'left']);
    expect(project.files()).toHaveLength(1);
  });
}
