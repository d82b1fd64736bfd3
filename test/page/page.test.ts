// The page of a report in a real browser, as people see it: at every size of run, on a phone, in the dark and on paper.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LivePage } from '../../generators/report/live.ts';
import { page as pageOf } from '../../generators/report/page.ts';
import type { ReportData } from '../../generators/report/read.ts';
import type { JournalRecord } from '../../runtime/journal/records.ts';
import { Collector } from '../../runtime/report/collect.ts';
import { needs } from '../needs.ts';
import { begun, done, ended, exited, failed, forked, retried, sampled, tick } from '../runtime/report/made.ts';
import { blank, DONE, FAILED, noteDrawnTexts, pixelsOf, textsOf } from './canvases.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A browser starts slowly on a busy machine. */
const BROWSER = 600_000;

let folder: string;
let launched: Promise<Browser> | undefined;

/** Launched by the first test, so that one that needs a browser can say that there is none. */
function browser(): Promise<Browser> {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update'];
  const args = ['--no-sandbox', '--disable-gpu', '--disable-sync', ...quiet];
  launched ??= chromium.launch({ executablePath: '/usr/bin/chromium', args, timeout: BROWSER });
  return launched;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-page-'));
});

afterAll(async () => {
  await (await launched)?.close();
  rmSync(folder, { recursive: true });
}, BROWSER);

interface Size {
  readonly items: number;
  readonly workers: number;
  /** Which items fail. */
  readonly fails?: (item: number) => boolean;
  readonly state?: ReportData['state'];
}

/** The records of a run of half an hour. */
function* recordsOf({ items, workers, fails = () => false, state = 'complete' }: Size): Generator<JournalRecord> {
  yield begun({ options: { workers } });
  for (let worker = 1; worker <= workers; worker++) yield forked(worker);
  const step = Math.max(1, Math.floor(items / 4000));
  for (let item = 1; item <= items; item++) {
    if (item % step === 0) yield tick(Math.round((item / items) * 1_800_000));
    const worker = 1 + ((item * 7919) % workers);
    const ms = Number((10 ** ((item % 40) / 10)).toPrecision(3));
    const error = {
      name: 'TypeError',
      message: `row ${item} </script><b>\u2028 is odd`,
      stack: 'E\n    at f (file:///t.ts:1:1)',
    };
    if (item % 997 === 5) yield retried(`user-${item}`, ms, { worker });
    if (fails(item)) yield failed(`user-${item}`, ms, { number: item, worker, error });
    else yield done([`user-${item}`], ms, { number: item, worker });
    if (item % Math.ceil(items / 50) === 0)
      yield sampled(
        [
          [0, 90],
          [worker, 60 + (item % 30)],
        ],
        { total: items },
      );
    if (item % 3001 === 7) yield exited(worker, false);
  }
  if (state === 'complete') yield ended();
}

function dataOf(size: Size): ReportData {
  const collector = new Collector();
  for (const record of recordsOf(size)) collector.see(record);
  const collected = collector.data();
  const { state = 'complete' } = size;
  const when = { began: '2030-01-01T00:00:00.000Z', at: '2030-01-01T00:31:00.000Z' };
  const next =
    collected.failed > 0 ? ['to try what failed again: node vendor/divvy/run.mjs --retry-failed tasks/t.ts'] : [];
  return { ...collected, ...when, state, taskFile: 'tasks/t.ts', args: '', options: '-n 4', next };
}

/** Opens the page of a run; what the browser complains of, and what it asks for, is kept. */
async function opened(data: ReportData, how: { width?: number; dark?: boolean; isWithoutScript?: boolean } = {}) {
  const file = join(folder, 'r.html');
  const html = pageOf('nightly', data, false);
  writeFileSync(file, html);
  const context = await (await browser()).newContext({
    viewport: { width: how.width ?? 1100, height: 900 },
    colorScheme: how.dark ? 'dark' : 'light',
    javaScriptEnabled: how.isWithoutScript !== true,
  });
  const page = await context.newPage();
  await page.addInitScript(noteDrawnTexts);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { page, complaints, requests, bytes: Buffer.byteLength(html), close: () => context.close() };
}

/** What axe finds wrong: which rule, and where. */
async function wrong(page: Page): Promise<string[]> {
  await page.evaluate(`${AXE}; undefined`);
  const found = await page.evaluate('axe.run(document)');
  const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
}

const numbersIn = (page: Page, caption: string, column: number): Promise<number> =>
  page.evaluate(
    ([name, at]) => {
      const tables = [...document.querySelectorAll('table')].filter((table) => table.caption?.textContent === name);
      const cells = [...(tables[0]?.tBodies[0]?.rows ?? [])].map((row) => row.cells[Number(at)]?.textContent ?? '');
      return cells.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0);
    },
    [caption, column] as const,
  );

const SIZES: readonly (readonly [string, Size])[] = [
  ['no item', { items: 0, workers: 1 }],
  ['one item', { items: 1, workers: 1 }],
  ['4,000 items', { items: 4000, workers: 8, fails: (item) => item % 100 === 3 }],
  ['a million items', { items: 1_000_000, workers: 16, fails: (item) => item % 5000 === 3 }],
  ['nothing but failures', { items: 2000, workers: 4, fails: () => true }],
  ['10,000 workers', { items: 50_000, workers: 10_000, fails: (item) => item % 1000 === 3 }],
  ['a run that goes on', { items: 300, workers: 3, state: 'running' }],
];

describe('the page of', () => {
  needs('chromium');

  test.each(SIZES)('%s has its numbers, its charts, and nothing wrong', { timeout: BROWSER }, async (_, size) => {
    const data = dataOf(size);
    const { page, complaints, requests, bytes, close } = await opened(data);
    expect(bytes).toBeLessThan(250_000);
    expect(requests).toHaveLength(1);
    const figures = await page.locator('.figure dd').allTextContents();
    const grouped = (count: number): string => new Intl.NumberFormat('en').format(count);
    expect(figures.slice(0, 3)).toEqual([data.done, data.failed, data.retried].map(grouped));
    for (const [what, at] of [
      ['done', 2],
      ['failed', 3],
      ['retried', 4],
    ] as const)
      expect(await numbersIn(page, 'Throughput and items in progress over time', at)).toBe(data[what]);
    for (const [what, at] of [
      ['done', 1],
      ['failed', 2],
      ['retried', 3],
    ] as const)
      expect(await numbersIn(page, 'What each worker did', at)).toBe(data[what]);
    expect(await numbersIn(page, 'How long items took', 1)).toBe(data.done);
    const inLegend = (await page.locator('.u-legend th').allTextContents()).filter((label) => label === 'Done');
    expect(inLegend).toHaveLength(data.done > 0 ? 2 : 0);
    const charts = size.items === 0 ? 1 : 5;
    expect(await page.locator('canvas').count()).toBe(charts);
    expect(await blank(page)).toEqual([]);
    expect(await wrong(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a run that took less than a column has points for what it did', { timeout: BROWSER }, async () => {
    const collector = new Collector();
    for (const record of [begun(), tick(60), done(['a'], 40), ended()]) collector.see(record);
    const { page, close } = await opened({ ...dataOf({ items: 0, workers: 1 }), ...collector.data() });
    for (const chart of ['throughput', 'running']) expect(await pixelsOf(page, chart, DONE)).toBeGreaterThan(10);
    // Nothing has failed, so nothing says that anything has; and there is no half of an item.
    expect(await pixelsOf(page, 'durations', FAILED)).toBe(0);
    expect(await page.locator('[data-chart="durations"] .u-legend th').allTextContents()).toEqual(['From', 'Done']);
    const counts = (await textsOf(page, 'durations')).filter((text) => /^[\d.]+$/.test(text));
    expect(counts.filter((text) => !Number.isInteger(Number(text)))).toEqual([]);
    await close();
  });

  test('a run has bars only for durations that items had', { timeout: BROWSER }, async () => {
    const collector = new Collector();
    const items = [done(['a', 'b'], 1), failed('c', 1), done(['d'], 1000), failed('e', 30)];
    for (const record of [begun(), tick(5000), ...items]) collector.see(record);
    const { page, close } = await opened({ ...dataOf({ items: 0, workers: 1 }), ...collector.data() });
    const bars = await page.evaluate(
      (colours) => {
        const canvas = document.querySelector<HTMLCanvasElement>('[data-chart="durations"] canvas');
        const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
        return colours.map((colour) => {
          const columns = new Set<number>();
          for (let at = 0; at < data.length; at += 4)
            if (colour.every((value, index) => data[at + index] === value))
              columns.add((at / 4) % (canvas?.width ?? 1));
          return [...columns].filter((x) => !columns.has(x - 1)).length;
        });
      },
      [DONE, FAILED],
    );
    expect(bars).toEqual([2, 2]);
    await close();
  });

  test('many workers has their numbers in groups of three digits', { timeout: BROWSER }, async () => {
    const { page, close } = await opened(dataOf({ items: 3000, workers: 3000 }));
    const numbers = (await textsOf(page, 'lanes')).filter((text) => /^[\d,]+$/.test(text));
    expect(numbers.at(-1)).toMatch(/^2,\d{3}$/);
    expect(numbers.filter((text) => /\d{4}/.test(text))).toEqual([]);
    await close();
  });

  const SOME = dataOf({ items: 4000, workers: 8, fails: (item) => item % 100 === 3 });

  test.each([
    ['in the dark', { dark: true }],
    ['on a phone', { width: 340 }],
    ['on a phone in the dark', { width: 340, dark: true }],
  ])('a run is as good %s', { timeout: BROWSER }, async (_, how) => {
    const { page, complaints, close } = await opened(SOME, how);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    expect(await blank(page)).toEqual([]);
    expect(await wrong(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a run is white on paper, with its charts, though the screen is dark', { timeout: BROWSER }, async () => {
    const { page, close } = await opened(SOME, { dark: true });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const colours = await page.evaluate(() => {
      const { backgroundColor, color } = getComputedStyle(document.body);
      return [backgroundColor, color];
    });
    expect(colours).toEqual(['rgb(255, 255, 255)', 'rgb(26, 29, 33)']);
    expect(await blank(page)).toEqual([]);
    const pdf = await page.pdf();
    expect(pdf.length).toBeGreaterThan(20_000);
    await close();
  });

  test('a run has its stacks on paper, and is closed again behind it', { timeout: BROWSER }, async () => {
    const { page, close } = await opened(SOME);
    await page.locator('#memory summary').click();
    const open = () =>
      page.locator('details[open]').evaluateAll((all) => all.map((each) => each.closest('section')?.id));
    for (const [begin, end] of [
      ["dispatchEvent(new Event('beforeprint'))", "dispatchEvent(new Event('afterprint'))"],
      [{ media: 'print' }, { media: 'screen' }],
    ] as const) {
      const go = async (what: typeof begin | typeof end): Promise<void> => {
        await (typeof what === 'string' ? page.evaluate(what) : page.emulateMedia(what));
      };
      await go(begin);
      await expect.poll(open).toContain('failures');
      await go(end);
      await expect.poll(open).toEqual(['memory']);
    }
    await close();
  });

  test('a run has its stacks on paper without a script, too, and no triangle', { timeout: BROWSER }, async () => {
    const { page, close } = await opened(SOME, { isWithoutScript: true });
    const stack = page.locator('.failures pre');
    expect(await stack.evaluate((each) => each.checkVisibility({ contentVisibilityAuto: true }))).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await stack.evaluate((each) => each.getBoundingClientRect().height)).toBeGreaterThan(10);
    expect(await page.locator('.failures summary').evaluate((each) => getComputedStyle(each).listStyleType)).toBe(
      'none',
    );
    await close();
  });

  test.each([340, 570, 700, 1100])(
    'a run stays where it is under the pointer, at %d px',
    { timeout: BROWSER },
    async (width) => {
      const { page, close } = await opened(SOME, { width });
      for (const chart of await page.locator('.chart').all()) {
        const height = () => chart.evaluate((each) => each.closest('section')?.getBoundingClientRect().height);
        await page.mouse.move(0, 0);
        const before = await height();
        await chart.hover({ position: { x: 150, y: 60 } });
        expect(await height()).toBe(before);
      }
      await close();
    },
  );

  test.each([false, true])('memory has no colour of failures, dark: %s', { timeout: BROWSER }, async (dark) => {
    const { page, close } = await opened(SOME, { dark });
    const colours = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      return ['largest', 'done', 'retried', 'failed'].map((name) => style.getPropertyValue(`--${name}`).trim());
    });
    expect(new Set(colours).size).toBe(4);
    const markers = page.locator('[data-chart="memory"] .u-marker');
    const drawn = await markers.evaluateAll((all) => all.map((each) => (each as HTMLElement).style.border));
    const failing = await page.evaluate(
      (text) => Object.assign(document.createElement('i').style, { color: text }).color,
      colours[3],
    );
    expect(drawn.filter((border) => border.includes(failing))).toEqual([]);
    await close();
  });

  test('a run is whole on paper: nothing is wider than A4', { timeout: BROWSER }, async () => {
    const [part] = SOME.parts;
    const long = `node vendor/divvy/run.mjs --resume ${'--an-option some-value-of-it '.repeat(12)}${'x'.repeat(200)}`;
    const name = 'somebody-with-a-long-name@a-host-with-a-long-name.example'.repeat(2).slice(0, 80);
    const times = { user: name, host: name, commit: 'a'.repeat(40), release: '1.2.3-beta.4', how: 'exit code 70' };
    const { page, close } = await opened({
      ...SOME,
      ...{ args: long, options: long, cut: long, next: [`to go on: ${long}`] },
      parts: part ? [part, { ...part, ...times, mode: 'retry-failed' }] : [],
      slowest: SOME.slowest.map((item) => ({ ...item, key: name })),
    });
    await page.setViewportSize({ width: 718, height: 1000 });
    await page.emulateMedia({ media: 'print' });
    // Charts are drawn anew a moment after the width has changed.
    await page.waitForFunction(() =>
      [...document.querySelectorAll('canvas')].every((each) => each.clientWidth < innerWidth),
    );
    const tooWide = await page.evaluate(() =>
      [...document.querySelectorAll('body, body *')]
        .filter((each) => each.checkVisibility())
        .filter(
          (each) =>
            each.getBoundingClientRect().right > innerWidth + 0.5 ||
            (each.clientWidth > 0 &&
              each.scrollWidth > each.clientWidth &&
              getComputedStyle(each).display !== 'inline'),
        )
        .map((each) => each.outerHTML.slice(0, 120)),
    );
    expect(tooWide).toEqual([]);
    await close();
  });

  test('a run can be read without a script', { timeout: BROWSER }, async () => {
    const { page, complaints, close } = await opened(SOME, { isWithoutScript: true });
    const text = (await page.textContent('body')) ?? '';
    for (const each of ['3,960', '40', 'Without a script there are no charts', 'TypeError: row … '])
      expect(text).toContain(each);
    expect(await page.locator('table').count()).toBe(6);
    // No empty room for charts, and no heading above it.
    expect(await page.locator('[data-chart]:visible').count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Items in progress' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a run shows texts of anybody as texts', { timeout: BROWSER }, async () => {
    const hostile =
      '</script><script>document.title = "hit"</script><img src=x onerror="document.title = \'hit\'">\u2028';
    const group = { count: 1, left: 1, firstMs: 0, lastMs: 0 };
    const data = {
      ...SOME,
      args: hostile,
      next: [hostile],
      failures: [{ ...group, error: hostile, first: [hostile], details: [hostile] }],
    };
    const { page, complaints, requests, close } = await opened(data);
    await page.locator('.failures summary').click();
    expect(await page.title()).toBe('nightly: Complete, with failures');
    expect(await page.locator('.failures pre').textContent()).toContain('<img src=x');
    expect([complaints, requests.length]).toEqual([[], 1]);
    await close();
  });

  test('a run copies its command, and draws anew for another width', { timeout: BROWSER }, async () => {
    const { page, complaints, close } = await opened(SOME);
    await page.locator('.command button').click();
    expect(await page.evaluate(() => String(getSelection()))).toBe(
      'node vendor/divvy/run.mjs --retry-failed tasks/t.ts',
    );
    await page.setViewportSize({ width: 600, height: 800 });
    await page.waitForFunction(() => [...document.querySelectorAll('canvas')].every((each) => each.clientWidth < 600));
    expect(complaints).toEqual([]);
    await close();
  });

  test('a run that goes on follows it, and keeps open what the reader has opened', { timeout: BROWSER }, async () => {
    const before = dataOf({ items: 300, workers: 3, state: 'running' });
    const live = new LivePage('nightly', before);
    await live.open();
    const page = await (await browser()).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(live.url);
    expect(await page.locator('.live').textContent()).toBe('Live: this page follows the run.');
    // Behind where failures will come.
    const opened = page.locator('#memory summary');
    await opened.click();
    live.show(dataOf({ items: 400, workers: 3, fails: (item) => item === 399 }));
    await page.getByText('400 items in 30 min: 399 done, 1 failed.').waitFor();
    expect(await page.title()).toBe('nightly: Complete, with failures');
    expect(await page.locator('details[open]').count()).toBe(1);
    expect(await page.evaluate(() => document.activeElement?.closest('section')?.id)).toBe('memory');
    expect(await page.locator('.command button').count()).toBe(1);
    expect(await page.locator('canvas').count()).toBe(5);
    expect(await blank(page)).toEqual([]);
    await live.close('ended');
    await page.getByText('The run has ended. This page stays as it is').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });
});
