import fs from 'node:fs';
import type { DispatchFrom, Parallelizable } from '#divvy';

const [folder = '', count = '', every = ''] = process.argv.slice(2);
const done = fs.openSync(`${folder}/done`, 'a');

/** As many rows as the second argument says, in the order of their ids. Says which it has listed, each so many rows. */
export default class ManyRows implements Parallelizable<number> {
  *dispatch({ after = 0 }: DispatchFrom = {}): Generator<number> {
    console.log(`begins after ${after}`);
    for (let id = Number(after) + 1; id <= Number(count); id++) {
      yield id;
      if (id % Number(every) === 0) console.log(`listed ${id}`);
    }
  }

  cursor(id: number): number {
    return id;
  }

  process(id: number): void {
    fs.writeSync(done, `${id}\n`);
  }
}
