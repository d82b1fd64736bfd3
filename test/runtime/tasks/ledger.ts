import fs from 'node:fs';
import { type ItemContext, type Outcome, PermanentError } from '#divvy';
import { waitAtGate } from './gate.ts';

/** The lines of $ITEMS, each of which is entered in $LEDGER when it starts and when it ends. What a line begins with says how. */
export default class Ledger {
  *dispatch(): Generator<string> {
    for (const line of fs.readFileSync(process.env['ITEMS'] ?? '', 'utf8').split('\n')) if (line !== '') yield line;
  }

  async process(item: string, { key, attempt, signal }: ItemContext): Promise<string> {
    const enter = (what: string): void =>
      fs.appendFileSync(
        process.env['LEDGER'] ?? '',
        `${JSON.stringify({ what, pid: process.pid, born: performance.timeOrigin, item, key, attempt })}\n`,
      );
    enter('start');
    if (item.startsWith('gate')) await waitAtGate(item);
    if (item.startsWith('fails') && process.env['MENDED'] !== '1') throw new Error(`no: ${item}`);
    if (item.startsWith('permanent')) throw new PermanentError('never');
    if (item.startsWith('twice') && attempt === 1) throw new Error('once');
    if (item.startsWith('brief')) await new Promise((resolve) => setTimeout(resolve, 5));
    if (item.startsWith('slow')) await new Promise((resolve) => setTimeout(resolve, 20));
    if (item.startsWith('isAbortable')) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (item.startsWith('ignores')) await new Promise(() => setInterval(() => {}, 1000));
    if (item.startsWith('loops')) for (;;);
    if (item.startsWith('grows')) grown.push(Buffer.alloc(32 * 1024 * 1024, 1));
    writeLines(item);
    enter('end');
    return `made of ${item}`;
  }

  afterFailure(item: string, _error: unknown, { key }: Outcome): void {
    if (process.env['HOOKS'] === '1') console.log(`gave up ${item} ${key}`);
  }
}

const grown: Buffer[] = [];

/** $LINES lines on stdout, and one on stderr: linesOf in test/runtime/journal/ledger.ts knows them. */
function writeLines(item: string): void {
  const count = Number(process.env['LINES'] ?? 0);
  for (let line = 1; line <= count; line++) {
    const text = `${item} line ${line} ${'x'.repeat(((line * 997 + item.length * 131) % 700) * (item.endsWith('7') ? 20 : 1))}.`;
    // By turns through the stream, and past it.
    if (line % 2 === 1) console.log(text);
    else fs.writeSync(1, `${text}\n`);
  }
  if (count > 0) console.error(`${item} on stderr`);
}
