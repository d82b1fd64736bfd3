import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemContext, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

const [way = '', count = '1'] = process.argv.slice(2);

/** Items that write in the way that the first argument names; the second says how many there are. */
class Tagged implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(count); item++) yield item;
  }

  async process(item: number, { number }: ItemContext): Promise<void> {
    if (way === 'everywhere') {
      console.log(`start ${item}\nmore of ${item}`);
      await sleep(1);
      console.error(`after a timer ${item}`);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      process.stdout.write(Buffer.from(`bytes ${item}\nof ${item}\n`));
      process.stdout.write('4869210a', 'hex');
    }
    if (way === 'pieces') {
      process.stdout.write(`one ${item} `);
      await waitAtGate(`item ${item}`);
      process.stdout.write(`two ${item}\n`);
      process.stdout.write(`half ${item}`);
    }
    if (way === 'left behind') setTimeout(() => console.log('too late'), 1);
    if (way === 'left behind') await Promise.resolve(); // it ends before that
    if (way === 'open') {
      if (item === 1) process.stdout.write('half');
      else await waitAtGate('second');
    }
    if (way === 'unended') {
      await sleep(1);
      process.stdout.write(`item ${item}`);
    }
    if (way === 'program') {
      console.log('before');
      spawnSync('echo', ['by itself'], { stdio: 'inherit' });
      console.log('behind');
    }
    if (way === 'bytes') process.stdout.write(Buffer.from([0xff, 10, 0xc3, 10, 10, 0xa9]));
    if (way === 'throws') {
      console.log(`try ${number}`);
      throw new Error('no');
    }
  }

  async afterFork(): Promise<void> {
    console.log('afterFork');
  }

  async beforeExit(): Promise<void> {
    if (way === 'left behind') await sleep(50);
    console.log('beforeExit');
  }
}

/** With keys of its own. */
class Keyed extends Tagged {
  key(item: number): string {
    return way === 'odd keys' ? `\u001b[31mred\n$& ${'x'.repeat(200)}` : `user-${item}`;
  }

  override async process(item: number, context: ItemContext): Promise<void> {
    if (way === 'odd keys') console.log('line');
    await super.process(item, context);
  }
}

export default process.env['KEYED'] ? Keyed : Tagged;
