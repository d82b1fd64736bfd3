/**
 * The items of items.json, in the folder that the run was started in. The first word of an item says what it does.
 * ledger.ndjson there gets a line when an item begins and when it ends. With MENDED=1 nothing fails or waits any more.
 */

import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { type ItemContext, type ItemError, type Outcome, type Parallelizable, PermanentError } from '#divvy';

const isMended = process.env['MENDED'] === '1';

export default class Work implements Parallelizable<string, string> {
  *dispatch(): Generator<string> {
    yield* JSON.parse(readFileSync('items.json', 'utf8')) as string[];
    if (process.env['BROKEN'] === 'dispatch') throw new Error('dispatch is broken');
  }

  afterFork(): void {
    if (process.env['BROKEN'] === 'afterFork') throw new Error('afterFork is broken');
  }

  process(item: string, context: ItemContext): string | Promise<string> {
    // Nothing but the call: many such items move together.
    return item.startsWith('silent') ? item : work(item, context);
  }

  afterFailure(item: string, { name, message }: ItemError, { number, attempts, crashes }: Outcome): void {
    note({ what: 'failed', item, number, attempts, crashes, error: `${name}: ${message}` });
  }
}

async function work(item: string, context: ItemContext): Promise<string> {
  const { number, attempt, key, worker } = context;
  const enter = (what: string): void => note({ what, item, number, attempt, key, worker });
  enter('begin');
  const [does = ''] = item.split(' ');
  if (does === 'slow') await told(item, 'until released');
  else if (does === 'blocks') block();
  else if (does === 'lines' || does === 'raw') await writeLines(item, does === 'raw');
  else if (does === 'large') console.log(`${item} ${'x'.repeat(30_000)}.`);
  else if (does === 'obeys' && !isMended) await obey(item, context.signal, enter);
  else if (does === 'loops' && !isMended) await loop(item);
  else if (does === 'stays' && !isMended) await told(item, 'for ever');
  else if (/^(dies|crashes)/.test(does)) await die(item, does, attempt);
  else fail(does, attempt);
  enter('end');
  return `made of ${item}`;
}

function fail(does: string, attempt: number): void {
  if (does === 'permanent') throw new PermanentError('never');
  if (does === 'throws' || (does === 'mends' && !isMended)) throw new Error('no');
  if (does === 'throws-once' && attempt === 1) throw new Error('not yet');
}

/** Killed: at once, at its first attempt only, or when the suite says so. */
async function die(item: string, does: string, attempt: number): Promise<void> {
  if (does === 'dies-once' && attempt > 1) return;
  if (does === 'crashes') await told(item, 'until released');
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => setInterval(() => {}, 1000));
}

async function obey(item: string, signal: AbortSignal, enter: (what: string) => void): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await told(item, 'no longer');
  if (!signal.aborted) await aborted;
  enter(`aborted by ${(signal.reason as Error).name}`);
  throw signal.reason;
}

/** Never gives its thread back, and has started a program. */
async function loop(item: string): Promise<void> {
  const { pid } = spawn('sleep', ['600'], { stdio: 'ignore' });
  note({ what: 'started', item, started: pid });
  await told(item, 'no longer');
  for (;;);
}

/** Keeps its thread, from its first moment, until there is a file `released`. */
function block(): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync('released')) Atomics.wait(nothing, 0, 0, 5);
}

/** Lines in pieces, by turns through the stream and past it, on stdout and on stderr. */
async function writeLines(item: string, isRaw: boolean): Promise<void> {
  for (const line of [1, 2, 3]) {
    process.stdout.write(`${item}: line ${line} `);
    await new Promise((resolve) => setImmediate(resolve));
    process.stdout.write('x'.repeat(line * 700));
    process.stdout.write('.\n');
  }
  const long = `${item}: line 4 ${'x'.repeat(9000)}.\n`;
  // The stream does not count what is written past it. So after it no line may stay open.
  if (isRaw) writeSync(1, long);
  else process.stdout.write(long);
  process.stderr.write(`${item}: on stderr `);
  await new Promise((resolve) => setImmediate(resolve));
  process.stderr.write('.\n');
  // The last line stays open.
  process.stdout.write(`${item}: line 5.${isRaw ? '\n' : ''}`);
}

/** Tells the suite that the item is here. Waits until the suite has heard it, has released the item, or for ever. */
async function told(item: string, wait: 'no longer' | 'until released' | 'for ever'): Promise<void> {
  const gate = connect('gate');
  gate.write(`${item}\n`);
  await new Promise((resolve, reject) => {
    gate.on('error', reject);
    if (wait === 'no longer') gate.once('data', resolve);
    else if (wait === 'until released') gate.resume().on('close', resolve);
    else gate.resume();
  });
  gate.destroy();
}

function note(what: object): void {
  appendFileSync('ledger.ndjson', `${JSON.stringify({ ...what, pid: process.pid })}\n`);
}
