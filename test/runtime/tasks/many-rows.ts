import fs from 'node:fs';
import type { DispatchFrom, Parallelizable } from '#divvy';

const [folder = '', count = '', every = ''] = process.argv.slice(2);
const done = fs.openSync(`${folder}/done`, 'a');

/** As many rows as the second argument says, in the order of their ids. Says which it has listed, each so many rows. */
export default class ManyRows implements Parallelizable<number> {
  async *dispatch({ after = 0 }: DispatchFrom = {}): AsyncGenerator<number> {
    console.log(`begins after ${after}`);
    for (let id = Number(after) + 1; id <= Number(count); id++) {
      if (id === Number(process.env['WAITS_AT'])) await this.#killed();
      yield id;
      if (id % Number(every) === 0) console.log(`listed ${id}`);
    }
  }

  /** The master is killed before it is over. */
  #killed(): Promise<void> {
    console.log('waits');
    return new Promise(() => {});
  }

  cursor(id: number): number {
    return id;
  }

  process(id: number): void {
    fs.writeSync(done, `${id}\n`);
  }
}
