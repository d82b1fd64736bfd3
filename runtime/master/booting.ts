/** Chooses what the workers of a run are: processes, this process (--inline), or a queue. Runs in the master. Internal. */

import type { Settings } from '../options.ts';
import type { AnyTask } from '../task/task.ts';
import { resultRoom } from '../wire/result.ts';
import type { Server } from '../wire/server.ts';
import type { EngineRole } from './engine-role.ts';
import type { Outputs } from './output.ts';
import type { Spare } from './spare.ts';
import type { Wakeup } from './wakeup.ts';
import type { BootWorker } from './worker.ts';
import { forkWorkers } from './worker-process.ts';

/** What booting needs of the run. */
export interface BootOptions {
  readonly task: AnyTask;
  readonly taskFile: string;
  readonly imports: readonly string[];
  readonly settings: Settings;
  readonly socket: string;
  readonly spare: Spare | undefined;
  readonly role: EngineRole | undefined;
  readonly wakeup: Wakeup;
}

/** Returns how workers boot: as processes, which needs a server; in this process; or as the role of this master says. */
export async function bootOf(
  { task, taskFile, imports, settings, socket, spare, role, wakeup }: BootOptions,
  outputs: Outputs,
): Promise<{ boot: BootWorker; server: Server | undefined }> {
  if (role?.boot) return { boot: role.boot, server: undefined };
  const keepsResults = role?.keepsResults ?? settings.results !== undefined;
  if (settings.inline) {
    const { bootInline } = await import('./inline.ts');
    return { boot: bootInline(task, { ...settings, keepsResults }, outputs.stdout, wakeup.wake), server: undefined };
  }
  const { args, tag, concurrency, maxItemBytes, timeoutMs, recycleAfter, recycleAboveBytes, killAfterMs } = settings;
  const { startServer } = await import('../wire/server.ts'); // while the spare loads its own modules
  const forms = { asJson: keepsResults, asValue: role?.keepsValues ?? task.afterProcess !== undefined };
  const server = await startServer(socket, settings.socket === undefined, resultRoom(maxItemBytes, forms));
  const times = { timeoutMs, killAfterMs };
  const limits = { concurrency, maxItemBytes, keepsResults, ...times, recycleAfter, recycleAboveBytes };
  const start = { taskFile, imports, args, tag, ...limits };
  return { boot: forkWorkers({ server, start, outputs, spare }), server };
}
