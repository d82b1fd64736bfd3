/** Tells whether this process is a worker or not. Public. */

let workerNumber = 0;

/** Called once, by worker/main.ts. */
export function becomeWorker(number: number): void {
  workerNumber = number;
}

/** Whether this process is a worker, forked by a master. */
export function isWorkerProcess(): boolean {
  return workerNumber > 0;
}

/** Whether this process is not a worker. */
export function isMasterProcess(): boolean {
  return workerNumber === 0;
}
