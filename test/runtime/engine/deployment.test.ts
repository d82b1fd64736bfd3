// The examples of docs/engine/: their command lines are valid, and a host has time to finish before it is killed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { expect, test } from 'vitest';
import { readArguments } from '../../../runtime/cli/arguments.ts';
import { flags } from '../../../runtime/engine/cli.ts';

const read = (file: string): string => readFileSync(join(import.meta.dirname, '../../../docs/engine', file), 'utf8');
const KILL_AFTER_MS = 5000;
/** How long the end of a run waits for the queue: in-time.ts. */
const QUEUE_MS = 3000;

interface Container {
  readonly command: readonly string[];
  readonly args?: readonly string[];
}
interface Pods {
  readonly kind: string;
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly terminationGracePeriodSeconds: number; readonly containers: readonly Container[] };
    };
  };
}
interface Compose {
  readonly services: Readonly<Record<string, { readonly command?: readonly string[]; stop_grace_period?: string }>>;
}

const unit = read('host.service');
const image = JSON.parse(/^CMD (\[.*\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]') as string[];
const { services } = load(read('compose.yaml')) as Compose;
const pods = (loadAll(read('kubernetes.yaml')) as Pods[]).flatMap(({ kind, spec }) =>
  spec?.template ? [{ kind, spec: spec.template.spec }] : [],
);
const secondsOf = (text = ''): number => Number(/^(\d+)s$/.exec(text)?.[1]) * 1000;

const commands: [name: string, command: readonly string[], withinMs: number][] = [
  [
    'systemd',
    (/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' '),
    secondsOf(/^TimeoutStopSec=(.*)$/m.exec(unit)?.[1]),
  ],
  ['compose, a host', services['host']?.command ?? image, secondsOf(services['host']?.stop_grace_period)],
  [
    'compose, the dispatcher',
    services['dispatcher']?.command ?? image,
    secondsOf(services['dispatcher']?.stop_grace_period),
  ],
  ...pods.map(({ kind, spec: { terminationGracePeriodSeconds: within, containers } }): (typeof commands)[number] => {
    const [{ command, args = [] } = { command: [] }] = containers;
    return [kind, [...command, ...args], within * 1000];
  }),
];

test.each(commands)('%s: the command line is valid, and its grace is over in time', (name, command, withinMs) => {
  expect(command[1]).toBe('vendor/divvy/run.mjs');
  const request = readArguments(command.slice(2), flags);
  if (request.want !== 'run') throw new Error(`it is no run: ${command}`);
  const { options, engine } = request;
  expect(engine['engine-url-file']).toMatch(/^(\/run\/|\$\{CREDENTIALS_DIRECTORY\}\/)/);
  expect((options.graceMs ?? 0) + KILL_AFTER_MS + QUEUE_MS).toBeLessThan(withinMs);
  if (/Job|dispatcher/.test(name)) expect(options).toMatchObject({ resume: true, takeOver: true });
  else expect(engine).toMatchObject({ join: true, stay: true });
});

test('the Job is not started again where that would do everything anew, or mend nothing', () => {
  expect(read('kubernetes.yaml')).toMatch(/action: FailJob\n.*operator: In, values: \[1, 2, 70\]/);
});
