/**
 * Takes the pictures of a report in the README and in docs/reports.md: runs a real task that is stopped, resumed, and has
 * failures, and photographs its page in Chromium. `npm run picture`, with chromium installed and the package built.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const home = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'divvy-report-picture-'));
const WIDTH = 1080;
const HEIGHT = 1340;
/** How long the first part of the run goes on before it is stopped. */
const STOPPED_AFTER_MS = 14_000;

/** Items whose durations are as uneven as those of a real service, which is slow for a while. */
const TASK = `import { setTimeout as sleep } from 'node:timers/promises';

const ITEMS = 9000;

export default class NightlyBackfill {
  total() { return ITEMS; }
  *dispatch() { for (let item = 1; item <= ITEMS; item++) yield item; }
  key(item) { return 'user-' + (100_000 + item); }
  async process(item, { attempt }) {
    const spread = Math.exp(1.1 * Math.sqrt(-2 * Math.log(Math.random())) * Math.cos(6.28 * Math.random()));
    await sleep((item > 5200 && item < 6400 ? 70 : 22) * spread);
    if (item % 211 === 9 && attempt === 1) throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    if (item % 640 === 77) throw new TypeError('row ' + item + ' has no address');
    if (item > 5600 && item < 5640) throw new Error('lock wait timeout on users:' + item);
    if (item === 7000 && attempt === 1) process.exit(134);
  }
}
`;

const runner = (...args: string[]) =>
  spawn(process.execPath, ['vendor/divvy/run.mjs', ...args, 'tasks/nightly-backfill.ts'], {
    cwd: folder,
    stdio: 'ignore',
  });

try {
  mkdirSync(join(folder, 'tasks'));
  cpSync(join(home, 'runtime'), join(folder, 'vendor/divvy'), { recursive: true });
  writeFileSync(join(folder, 'divvy.json'), JSON.stringify({ tasks: 'tasks', runtime: 'vendor/divvy' }));
  writeFileSync(join(folder, 'tasks/nightly-backfill.ts'), TASK);
  const first = runner('-n', '8', '--retries', '1', '--backoff', '200ms');
  await sleep(STOPPED_AFTER_MS);
  first.kill('SIGINT');
  await once(first, 'exit');
  await once(runner('--resume'), 'exit');
  execFileSync(process.execPath, [join(home, 'dist/divvy.cjs'), 'report', '-o', 'report.html'], { cwd: folder });
  await photograph();
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
}

async function photograph(): Promise<void> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  for (const colorScheme of ['light', 'dark'] as const) {
    const viewport = { width: WIDTH, height: HEIGHT };
    const page = await browser.newPage({ viewport, colorScheme });
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
    // Whose machine it was says nothing to a reader.
    await page.evaluate(`document.querySelector('.when').remove()`);
    await page.evaluate(`document.querySelector('.command span code').textContent = '/srv/backfills'`);
    await page.screenshot({ path: join(home, `docs/report-${colorScheme}.png`) });
  }
  await browser.close();
}
