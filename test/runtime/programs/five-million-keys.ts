// Goes on with a journal of five million keys, and says how much memory that took at most, in MB.
import fs from 'node:fs';
import path from 'node:path';
import { openJournal } from '../../../runtime/journal/open.ts';
import { contentKey } from '../../../runtime/key.ts';

const [folder = '', text = ''] = process.argv.slice(2);
const count = Number(text);
const file = path.join(folder, 'j.ndjson');
const request = {
  taskFile: path.join(import.meta.dirname, '../tasks/ledger.ts'),
  args: [],
  runId: 'a-run',
  file,
} as const;
const failed = (error: Error): void => {
  throw error;
};

if (process.argv[4] === 'write') {
  const { journal } = await openJournal({ ...request, mode: 'new', dryRun: false, failed });
  for (let number = 1; number <= count; number++) {
    const outcome = { number, key: '', attempts: 1, crashes: 0, worker: 1, durationMs: 1 };
    journal?.done(contentKey(`item ${number}`), 1, outcome);
    if (number % 1000 === 0) journal?.write();
  }
  await journal?.close();
} else {
  const { keys, journal } = await openJournal({ ...request, mode: 'resume', dryRun: false, failed });
  let skipped = 0;
  for (let number = 1; number <= count; number++) {
    if (keys.meet(contentKey(`item ${number}`)).ended === 'done') skipped += 1;
  }
  const { ended } = keys.meet(contentKey(`item ${count + 1}`));
  await journal?.close();
  const megabytes = Math.ceil(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ skipped, ended: ended ?? 'no', megabytes, journal: fs.statSync(file).size }));
}
