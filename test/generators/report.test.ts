// `divvy report`: the page of a run that really ran, and where it is written.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReportData as Drawn } from '../../generators/report/read.ts';
import type { JournalRecord } from '../../runtime/journal/records.ts';
import type { ReportData } from '../../runtime/report/data.ts';
import { begun, done, ended, exited, failed, sampled, tick } from '../runtime/report/made.ts';
import { divvy, freshFolder } from './commands.ts';
import { has, journalOf, project, run, TASK, text } from './reports.ts';

/** What the runtime says is what the page is drawn from: the compiler checks it. */
const asDrawn: (data: ReportData) => Drawn = (data) => data;
void asDrawn;

const pages = (cwd: string): string[] => readdirSync(cwd).filter((name) => name.endsWith('.html'));
const verdictIn = (page: string): string | undefined => /<p class="verdict">(.*?)<\/p>/.exec(page)?.[1];

describe('divvy report', () => {
  test('writes the page of the last run, in a file named after it', async () => {
    const cwd = project();
    await run(cwd);
    const { code, stdout, stderr } = await divvy(['report'], { cwd });
    const [name = ''] = pages(cwd);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^nightly: Complete, with failures\. 12 items in .*: 10 done, 2 failed\.\nReport: nightly-[\w-]+\.html\n$/,
    );
    expect(name).toMatch(/^nightly-\d{8}-\d{6}-[a-z]{4}\.html$/);
    const html = readFileSync(join(cwd, name), 'utf8');
    expect(html.slice(0, 41)).toBe('<!doctype html><!-- a report of divvy -->'.slice(0, 41));
    has(html, 'row … is &lt;b&gt;odd&lt;/b&gt;');
    has(html, '<code>user-5</code>, <code>user-10</code>');
    expect(html.includes('<script>alert')).toBe(false);
    has(html, 'run.mjs --retry-failed --workers 2 tasks/nightly.ts</code>');
    has(html, `, in <code>${cwd}</code>`);
    expect(readdirSync(cwd).filter((each) => each.includes('.tmp'))).toEqual([]);
  });

  test('names the folder in which its command works, and of a long one the end', async () => {
    const made = project();
    const cwd = `${made}-${'x'.repeat(150)}-end`;
    renameSync(made, cwd);
    await run(cwd);
    const { stdout } = await divvy(['report', '-o', '-'], { cwd });
    has(stdout, `, in <code>…${cwd.slice(-119)}</code>`);
  });

  test('is written again over a report, and over nothing else', async () => {
    const cwd = project();
    await run(cwd);
    writeFileSync(join(cwd, 'mine.html'), 'mine');
    const refused = await divvy(['report', '-o', 'mine.html'], { cwd });
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining('mine.html" is there already, and divvy did not write it as a report'),
    ]);
    expect(readFileSync(join(cwd, 'mine.html'), 'utf8')).toBe('mine');
    expect((await divvy(['report', '-o', 'mine.html', '--force'], { cwd })).code).toBe(0);
    expect((await divvy(['report', '-o', 'mine.html'], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'mine.html'), 'utf8').slice(0, 15)).toBe('<!doctype html>');
    const nowhere = await divvy(['report', '-o', 'none/r.html'], { cwd });
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('Name another file with -o.')]);
    expect(readdirSync(cwd).filter((each) => each.includes('.tmp'))).toEqual([]);
  });

  test('is never written in place of what is no file', async () => {
    const cwd = project();
    await run(cwd);
    mkdirSync(join(cwd, 'folder'));
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    symlinkSync('nowhere', join(cwd, 'dangling'));
    for (const name of ['folder', 'pipe', 'dangling', '/dev/null']) {
      const { code, stderr } = await divvy(['report', '--force', '-o', name], { cwd });
      expect([code, stderr]).toEqual([3, expect.stringContaining('is not a file')]);
    }
  });

  test('is written where a link leads, with the mode of what was there', async () => {
    const cwd = project();
    await run(cwd);
    expect((await divvy(['report', '-o', 'r.html'], { cwd })).code).toBe(0);
    chmodSync(join(cwd, 'r.html'), 0o600);
    const before = statSync(join(cwd, 'r.html'));
    symlinkSync('r.html', join(cwd, 'latest.html'));
    expect((await divvy(['report', '-o', 'latest.html'], { cwd })).code).toBe(0);
    expect(lstatSync(join(cwd, 'latest.html')).isSymbolicLink()).toBe(true);
    const after = statSync(join(cwd, 'r.html'));
    expect([after.ino === before.ino, after.mode & 0o777]).toEqual([false, 0o600]);
    const isProtected = process.getuid?.() === 0 ? 0 : 1;
    chmodSync(join(cwd, 'r.html'), 0o400);
    expect((await divvy(['report', '-o', 'r.html'], { cwd })).code).toBe(isProtected);
  });

  test('of an older run is found by its id; of one that is not there the runs that are kept are named', async () => {
    const cwd = project();
    await run(cwd, 'one');
    await run(cwd, 'two');
    const [id = ''] = readdirSync(join(cwd, '.divvy/nightly'))
      .filter((name) => name.endsWith('.ndjson'))
      .sort();
    const { code, stdout } = await divvy(['report', 'nightly', id.replace('.ndjson', ''), '-o', '-'], { cwd });
    expect(code).toBe(0);
    has(stdout, '<dt>Arguments</dt><dd><code>one</code></dd>');
    const none = await divvy(['report', 'nightly', 'three'], { cwd });
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining('has no run with the arguments or the id three: --runs lists those that are kept'),
    ]);
  });

  test('is named after the task, however that was named', async () => {
    const cwd = project();
    await run(cwd);
    mkdirSync(join(cwd, 'sub'));
    expect((await divvy(['report', '../tasks/nightly.ts'], { cwd: join(cwd, 'sub') })).code).toBe(0);
    expect(pages(join(cwd, 'sub'))).toEqual([expect.stringMatching(/^nightly-/)]);
  });

  test.each([
    ['an empty file', 'j.ndjson', 1, 'there is no run in the journal'],
    ['a pipe', 'pipe', 2, "is not a file, so it can't be a journal"],
    ['nothing', 'none.ndjson', 2, 'there is no journal'],
  ])('of a journal that is %s is refused', async (_, name, exitCode, message) => {
    const cwd = project();
    writeFileSync(join(cwd, 'j.ndjson'), '');
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    const { code, stderr } = await divvy(['report', '--journal', name], { cwd });
    expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)]);
    expect(stderr).not.toContain('by hand');
  });

  test('goes to stdout with -o -, and tells a program with --json', async () => {
    const cwd = project();
    await run(cwd);
    const piped = await divvy(['report', '-o', '-'], { cwd });
    expect([piped.code, piped.stderr, pages(cwd)]).toEqual([0, '', []]);
    expect((await divvy(['report', '-o', '-', '--json'], { cwd })).code).toBe(2);
    expect(/^<!doctype html>[\s\S]*<\/html>\n$/.test(piped.stdout)).toBe(true);
    const { code, stdout } = await divvy(['report', 'nightly', '--json', '-o', 'r.html'], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'report',
      task: 'nightly',
      state: 'complete',
      file: join(cwd, 'r.html'),
    });
  });

  test('asks which task if there are several, and takes one by its name and its arguments', async () => {
    const cwd = project('nightly', 'weekly');
    const unnamed = await divvy(['report'], { cwd });
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('nightly')]);
    const none = await divvy(['report', 'weekly'], { cwd });
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('has no run to report on: start one first')]);
    await run(cwd, 'one');
    await run(cwd, 'two');
    const { stdout } = await divvy(['report', 'nightly', 'one', '-o', '-'], { cwd });
    has(stdout, '<dt>Arguments</dt><dd><code>one</code></dd>');
  });

  test('of a journal that is cut goes up to there, and says so', async () => {
    const cwd = project();
    const journal = journalOf(cwd, [begun(), tick(500), done(['a'], 3)]);
    const cut = await divvy(['report', '--journal', 'j.ndjson', '-o', '-'], { cwd });
    expect(verdictIn(cut.stdout)).toBe('<strong>Cut short</strong> 1 item in 500 ms: 1 done. The rest is left to do.');
    writeFileSync(journal, readFileSync(journal, 'utf8').slice(0, -9));
    const torn = await divvy(['report', '--journal', 'j.ndjson', '-o', '-'], { cwd });
    expect(verdictIn(torn.stdout)).toBe(
      '<strong>Cut short</strong> 0 items in 500 ms: 0 done. The rest is left to do.',
    );
  });

  test.each([
    ['went on', []],
    ['had ended', [ended({ complete: false, stoppedBy: 'SIGINT', exitCode: 130 })]],
    ['was complete', [ended()]],
  ])('of a journal that is damaged where the run %s knows no end, and offers no command', async (_, end) => {
    const cwd = project();
    const journal = journalOf(cwd, [begun(), tick(500), done(['a'], 3), failed('c', 3), ...end]);
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}nonsense\n${text([done(['b'], 3)])}`);
    const { code, stderr } = await divvy(['report', '--journal', 'j.ndjson', '-o', 'r.html'], { cwd });
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`the report is not whole: the journal is damaged: line ${5 + end.length} of`),
    ]);
    const html = readFileSync(join(cwd, 'r.html'), 'utf8');
    expect(verdictIn(html)).toBe(
      '<strong>How it ended is not known</strong> 2 items up to where the journal is damaged, in 500 ms: 1 done, 1 failed.',
    );
    has(html, `This report is not whole: the journal is damaged: line ${5 + end.length}`, '<td>not known</td>');
    expect([html.includes('class="command"'), html.includes(', ended <time')]).toEqual([false, false]);
    const live = await divvy(['report', '--live', '--json', '--journal', 'j.ndjson', '-o', 'r.html'], { cwd });
    expect(live.stderr).toContain("note: the journal is damaged, so the run can't be followed");
    expect(JSON.parse(live.stdout)).toMatchObject({ state: 'unknown' });
  });

  test('of a run with retries says what counts an item, and what counts each end of it', async () => {
    const cwd = project();
    const before = [begun(), tick(1000), failed('a', 900), failed('b', 800), ended({ exitCode: 1 })];
    journalOf(cwd, [...before, begun({ mode: 'retry-failed' }), tick(1000), done(['a'], 5), ended({ exitCode: 1 })]);
    const { stdout } = await divvy(['report', '--journal', 'j.ndjson', '-o', '-'], { cwd });
    expect(verdictIn(stdout)).toContain('1 done, 1 failed');
    has(
      stdout,
      'An item that was begun again after its end counts here each time that it ended.',
      'The longest took <b>800 ms</b>. The axis is logarithmic. Each item counts once, with its last attempt.',
      'Of the items that had these errors, a retry has done 1 since.',
      '<b>1 item</b> <code>Error: no luck</code>',
      'at 1 s · key: <code>b</code> · 1 more done by a retry since',
      'The 2 slowest items',
    );
  });

  test('of a run with --inline says nothing of workers that there were not', async () => {
    const cwd = project();
    journalOf(cwd, [begun(), tick(1000), done(['a'], 500), sampled([[0, 80]], { workers: 0 }), ended()]);
    const { stdout } = await divvy(['report', '--journal', 'j.ndjson', '-o', '-'], { cwd });
    has(
      stdout,
      '<p class="about">The master had 80 MB.</p>',
      '<td>50%</td><td>–</td><td>–</td><td>–</td>',
      '<td>80 MB</td><td>–</td><td>–</td>',
    );
    expect(stdout.includes('argest worker had')).toBe(false);
  });

  test('of a later format is refused, with the release to use', async () => {
    const cwd = project();
    journalOf(cwd, [begun({ format: 2, release: '9.8.7' })]);
    const { code, stderr } = await divvy(['report', '--journal', 'j.ndjson'], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining("use the release that wrote it ('9.8.7')")]);
    expect(pages(cwd)).toEqual([]);
  });

  test.each([
    ['is not JSON', 'console.log("nonsense")', 'it is not JSON: nonsense'],
    [
      'lacks something',
      'console.log(JSON.stringify({ format: 1 }))',
      "the report must have required property 'taskFile'",
    ],
    [
      'is of another format',
      'console.log(JSON.stringify({ format: 2 }))',
      'it has the format 2, and this divvy draws 1',
    ],
  ])('of a runtime whose answer %s is refused', async (_, script, message) => {
    const cwd = freshFolder();
    for (const folder of ['tasks', 'runtime']) mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, 'divvy.json'), JSON.stringify({ tasks: 'tasks', runtime: 'runtime' }));
    writeFileSync(join(cwd, 'tasks/nightly.ts'), TASK);
    writeFileSync(join(cwd, 'runtime/run.mjs'), script);
    const { code, stderr } = await divvy(['report'], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  /** A journal of everything that makes a page long: texts, errors, crashes, lanes, samples and resumes. */
  function longest(long: string): JournalRecord[] {
    const records: JournalRecord[] = [];
    for (let part = 0; part < 60; part++)
      records.push(begun({ user: long, host: long, commit: long, release: long, at: long, args: [long] }));
    for (let at = 1; at <= 1000; at++) {
      const kind = String.fromCharCode(97 + (at % 26)).repeat(1 + (at % 20));
      const error = {
        name: `E${kind}`,
        message: `${kind} ${long}\n${`${long}\n`.repeat(9)}`,
        stack: `E\n${`    at ${long} (file:///x.ts:1:1)\n`.repeat(4)}`,
      };
      records.push(
        tick(at * 1_234_567),
        failed(`${long}${at}`, 10 ** ((at % 160) / 10 - 3), { worker: at, number: at, error }),
      );
      for (let worker = at % 7; worker < 1000; worker += 10) records.push(exited(worker, false));
      const memory = Array.from({ length: 100 }, (_, index) => [index, 1e9 + at] as const);
      records.push(sampled(memory, { workers: 1e9, pending: 1e9, leased: 1e9 }));
    }
    return [...records, ended({ complete: false, stoppedBy: long, exitCode: 1 })];
  }

  test.each([
    ['acts on a page or a terminal', `</script><script>alert(1)</script>\u001b[31m\u2028\u202e&"'<!--`],
    ['is five bytes for each character', '& '],
    ['is six bytes for each character', '"'],
    ['is nine bytes for each character', '\u200b'],
    ['is Japanese', 'データベースに接続できません。'],
    ['is beyond the basic plane', '😀'],
  ])('stays within 250 KB with everything that can be long, if each text %s', async (_, text) => {
    const cwd = project();
    journalOf(cwd, longest(text.repeat(Math.ceil(3000 / text.length))));
    const { code, stdout } = await divvy(['report', '--journal', 'j.ndjson', '-o', '-'], { cwd });
    expect(code).toBe(0);
    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(250_000);
    expect(
      ['<script>alert', '<!--&', '\u001b', '\u2028', '\u202e', '\ufffd'].filter((it) => stdout.includes(it)),
    ).toEqual([]);
    has(stdout, 'Stopped by ', 'id="failures"', 'id="slowest"', 'id="memory"', 'id="history"');
  });

  test('opens the browser with --open, and says if there is none', async () => {
    const cwd = project();
    await run(cwd);
    const bin = freshFolder();
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$1" > '${cwd}/opened'\n`);
    chmodSync(join(bin, 'xdg-open'), 0o755);
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    expect((await divvy(['report', '--open', '-o', 'r.html'], { cwd, env })).code).toBe(0);
    expect(readFileSync(join(cwd, 'opened'), 'utf8')).toBe(`${join(cwd, 'r.html')}\n`);
    const { code, stderr } = await divvy(['report', '--open', '-o', 'r.html'], { cwd, env: { PATH: '/nowhere' } });
    expect([code, stderr]).toEqual([0, expect.stringContaining('open it yourself'.replace('it', join(cwd, 'r.html')))]);
  });
});
