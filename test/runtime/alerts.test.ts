// The alerts in docs/operations.md: Prometheus takes the rules, and each fires for what it is about and for nothing else.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Metrics } from '../../runtime/master/metrics.ts';
import { needs } from '../needs.ts';
import { scratch } from './journal/requests.ts';
import { readMetrics } from './master/read-metrics.ts';

needs('promtool');

const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const rules = /```yaml\n(groups:\n.*?)```/s.exec(page)?.[1] ?? '';
const ALERTS = ['DivvyRunFailed', 'DivvyRunHangs', 'DivvyRunKilled', 'DivvyRunMissed'];

function promtool(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8' });
  return error ? error.message : `exit ${status}\n${stdout}${stderr}`;
}

test('name metrics that a run has', () => {
  const file = join(scratch(), 'm.prom');
  const metrics = new Metrics(file, '/tasks/a.ts', () => {});
  metrics.failed(new Error('so that all of them are there'));
  const { text } = readMetrics(file);
  const section = page.slice(page.indexOf('## Alerts'), page.indexOf('## Where a supervisor'));
  const named = new Set(section.match(/\bdivvy_\w+/g));
  expect(named.size).toBeGreaterThan(4);
  for (const name of named) expect(text).toMatch(new RegExp(`^${name}\\{`, 'm'));
});

test('every metric of a run is in docs/running.md, and no other', () => {
  const file = join(scratch(), 'm.prom');
  new Metrics(file, '/tasks/a.ts', () => {}).failed(new Error('over'));
  const inFile = [...readMetrics(file).text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const running = readFileSync(join(import.meta.dirname, '../../docs/running.md'), 'utf8');
  const table = /\| metric \| what it is \|\n(.*?)\n\n/s.exec(running)?.[1] ?? '';
  expect(table.match(/divvy_\w+/g)?.sort()).toEqual(inFile.sort());
});

/** A run as the exporter passes it on: values each minute, in promtool's notation. */
type Told = Readonly<Record<string, string>>;

/** What goes on, when to look, and the alerts that there are to be. */
const CASES: readonly [name: string, told: Told, at: string, alerts: readonly string[]][] = [
  ['a run that goes on well', { in_progress: '1x100', start: '0x100', items: '0+7x100', mtime: '0+60x100' }, '90m', []],
  [
    'one that is done',
    { in_progress: '0x100', start: '0x100', items: '9x100', mtime: '0x100', exit_code: '0x100' },
    '90m',
    [],
  ],
  ['one with failed items', { in_progress: '0x100', start: '0x100', exit_code: '1x100' }, '90m', ['DivvyRunFailed']],
  [
    'one that TERM has stopped',
    { in_progress: '0x100', start: '0x100', exit_code: '143x100' },
    '90m',
    ['DivvyRunFailed'],
  ],
  [
    'one that hangs',
    { in_progress: '1x100', start: '0x100', items: '9x100', mtime: '0+60x100' },
    '40m',
    ['DivvyRunHangs'],
  ],
  ['one that has just begun', { in_progress: '1x100', start: '0x100', items: '0x100', mtime: '0+60x100' }, '20m', []],
  [
    'one that follows another',
    { in_progress: '1x100', start: '1200x100', items: '9x20 0x80', mtime: '0+60x100' },
    '40m',
    [],
  ],
  [
    'one that was killed',
    { in_progress: '1x100', start: '0x100', items: '9x100', mtime: '0x100' },
    '10m',
    ['DivvyRunKilled'],
  ],
  ['one of yesterday', { in_progress: '0x1700', start: '0x1700', exit_code: '0x1700' }, '27h', ['DivvyRunMissed']],
  ['one of today', { in_progress: '0x1700', start: '0x1700', exit_code: '0x1700' }, '25h', []],
  ['one that takes days', { in_progress: '1x1700', start: '0x1700', items: '0+1x1700', mtime: '0+60x1700' }, '27h', []],
];

test('fire for what they are about, and for nothing else', () => {
  const folder = scratch();
  writeFileSync(join(folder, 'divvy.rules.yml'), rules);
  expect(promtool('check', 'rules', join(folder, 'divvy.rules.yml'))).toMatch(/^exit 0\n.*SUCCESS: 4 rules found/s);
  const labels = 'instance="host:9100",job="node"';
  const own = `${labels},task="nightly",file="nightly.prom"`;
  const names: Readonly<Record<string, string>> = {
    in_progress: `divvy_run_in_progress{${own}}`,
    start: `divvy_run_start_time_seconds{${own}}`,
    items: `divvy_items_total{${own},outcome="done"}`,
    exit_code: `divvy_run_exit_code{${own}}`,
    mtime: `node_textfile_mtime_seconds{${labels},file="/var/lib/prometheus/node-exporter/nightly.prom"}`,
  };
  const summaries = new Map(
    [...rules.matchAll(/alert: (\w+).*?summary: '(.*?)'/gs)].map(([, alert = '', text = '']) => [alert, text]),
  );
  expect([...summaries.keys()]).toEqual(ALERTS);
  const expected = (alert: string, value: string) => ({
    exp_labels: { instance: 'host:9100', job: 'node', task: 'nightly', file: 'nightly.prom' },
    exp_annotations: {
      summary: (summaries.get(alert) ?? '')
        .replace('{{ $labels.task }}', 'nightly')
        .replace('{{ $labels.instance }}', 'host:9100')
        .replace('{{ $value }}', value),
    },
  });
  // JSON is YAML.
  const tests = CASES.map(([name, told, at, alerts]) => ({
    name,
    interval: '1m',
    // Another run beside it, with which all is well, hides nothing.
    input_series: [
      ...Object.entries(told).map(([key, values]) => ({ series: names[key], values })),
      { series: `divvy_run_in_progress{${labels},task="other",file="other.prom"}`, values: '0x1700' },
      { series: `node_textfile_mtime_seconds{${labels},file="/elsewhere/other.prom"}`, values: '0x1700' },
    ],
    alert_rule_test: ALERTS.map((alertname) => ({
      ...{ eval_time: at, alertname },
      exp_alerts: alerts.includes(alertname) ? [expected(alertname, told['exit_code']?.split('x')[0] ?? '')] : [],
    })),
  }));
  const file = join(folder, 'tests.yml');
  writeFileSync(file, JSON.stringify({ rule_files: ['divvy.rules.yml'], evaluation_interval: '1m', tests }));
  expect(promtool('test', 'rules', file)).toMatch(/^exit 0\n.*SUCCESS/s);
});
