import { isMasterProcess, type Parallelizable, taskArguments } from '../../../runtime/index.ts';
import { waitAtGate } from './gate.ts';

/** Says what it was given, in the master and in a worker. */
const args = taskArguments({
  table: { type: 'string', required: true, doc: 'the table to go over' },
  since: { type: 'string', env: 'SINCE' },
  batch: { type: 'integer', default: 1000, min: 1, max: 5000, tuning: true, doc: 'rows in an item' },
  ratio: { type: 'number' },
  dry: { type: 'boolean' },
  token: { type: 'string', secret: true, required: true, env: 'TOKEN' },
  ids: { type: 'words', doc: 'only these' },
});

export default class Declares implements Parallelizable<number> {
  /** Read while the class is made. */
  readonly #table = args.table;

  *dispatch(): Generator<number> {
    console.log(`master ${this.#said()}`);
    yield* [1, 2, 3];
  }

  async process(item: number): Promise<void> {
    if (process.env['GATE']) await waitAtGate(String(item));
    // As an HTTP client would say it.
    if (item === 2) throw Object.assign(new Error(`401 for ?token=${args.token}`), { url: `/?t=${args.token}` });
    console.log(`worker ${this.#said()}`);
  }

  #said(): string {
    const { since, batch, ratio, dry, ids } = args;
    const shown = JSON.stringify(args).includes(args.token) ? 'the token can be seen' : `${args.token.length} letters`;
    return JSON.stringify([isMasterProcess(), this.#table, since, batch, ratio, dry, ids, shown]);
  }
}
