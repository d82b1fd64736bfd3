import { spawn } from 'node:child_process';
import fs from 'node:fs';
import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** What an item is to do, joined by commas: the task's arguments are its items. Lines are of 10,000 letters. */
export default class Fills implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    yield* process.argv.slice(2);
  }

  async process(item: string): Promise<void> {
    for (const step of item.split(',')) await this.#take(item, step);
  }

  async #take(item: string, step: string): Promise<void> {
    const [what = '', count = '1'] = step.split(':');
    for (let line = 1; line <= Number(count); line++) {
      const text = `${item} ${line} ${'x'.repeat(10_000)}`;
      if (what === 'print') console.log(text);
      if (what === 'sync') fs.writeSync(1, `${text}\n`);
      if (what === 'error') console.error(text);
    }
    if (what === 'bare') process.stdout.write(item);
    if (what === 'unblock') await unblock();
    if (what === 'end') process.stdout.end();
    if (what === 'wait') await new Promise((resolve) => setTimeout(resolve, Number(count)));
    if (what === 'gate') await waitAtGate(item);
    if (what === 'throw') throw new Error(`thrown by ${item}`);
    if (what === 'uncaught') {
      setImmediate(() => {
        throw new TypeError(`nobody catches ${item}`, { cause: new Error('the reason') });
      });
      await new Promise(() => {});
    }
    if (what === 'fd3') fs.writeSync(3, count === '1' ? 'mine\n' : `${count}\n`);
  }
}

/** A process that shares stdout makes it non-blocking, as Node.js does, and is killed before it can put that back. */
function unblock(): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("unblocked\\n"); setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    setTimeout(() => child.kill('SIGKILL'), 500);
  });
}
