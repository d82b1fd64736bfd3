// Writes the journal of a run of tasks/many.ts that was killed when so many items were done.
import path from 'node:path';

import { contentKey } from '../../../runtime/key.ts';
import { endedRun, openRun } from '../journal/journals.ts';

const [file = '', count = ''] = process.argv.slice(2);
const { journal } = await openRun({
  taskFile: path.join(import.meta.dirname, '../tasks/many.ts'),
  args: [],
  runId: 'a-run',
  file,
  mode: 'new',
  dryRun: false,
  failed: (error) => {
    throw error;
  },
});
for (let number = 1; number <= Number(count); number++) {
  journal?.done(endedRun(number, contentKey(`item ${number}`)));
  if (number % 1000 === 0) journal?.write();
}
journal?.write();
await journal?.close();
