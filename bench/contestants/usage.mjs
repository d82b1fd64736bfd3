// Loaded into each process of a contestant: writes the processor time that it needed, in seconds, into the folder that is
// named in this file's URL.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = new URL(import.meta.url).searchParams.get('folder');
if (isMainThread) {
  process.once('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const { DIVVY_WORKER: worker } = process.env;
    const usage = { pid: process.pid, worker, user: userCPUTime / 1e6, kernel: systemCPUTime / 1e6 };
    writeFileSync(join(folder, `${process.pid}.usage.json`), JSON.stringify(usage));
  });
}
