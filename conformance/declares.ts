/** Declares its arguments. ledger.ndjson in the folder that the run was started in says what `process` found in them. */

import { appendFileSync } from 'node:fs';
import { type Parallelizable, taskArguments } from '#divvy';

const args = taskArguments({
  table: { type: 'string', required: true },
  batch: { type: 'integer', default: 10, min: 1, tuning: true },
  share: { type: 'number', default: 0.5 },
  dry: { type: 'boolean' },
  token: { type: 'string', secret: true, env: 'TOKEN' },
  ids: { type: 'words' },
});

export default class Declares implements Parallelizable<string> {
  beforeFork(): void {
    note({ what: 'fork' });
  }

  *dispatch(): Generator<string> {
    yield 'the only one';
  }

  process(): void {
    const { table, batch, share, dry, token, ids } = args;
    note({ what: 'args', table, batch, share, dry, token, ids });
  }
}

function note(what: object): void {
  appendFileSync('ledger.ndjson', `${JSON.stringify(what)}\n`);
}
