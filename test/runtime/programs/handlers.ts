// A program of somebody's own, with signal handlers of its own, that runs a task and goes on after it.
import { Master, Shutdown } from '#divvy';

const own = (): void => console.log('my own handler');
const once = (): void => {
  console.log('my own handler, once');
  setImmediate(() => process.kill(process.pid, 'SIGTERM')); // which nobody listens to any more
};
process.on('SIGINT', own);
process.once('SIGTERM', once);

const [taskFile = '', stop] = process.argv.slice(2);
const master = new Master(taskFile, { workers: 1, items: [1] });
try {
  const running = master.run();
  if (stop === 'now') setImmediate(() => master.shutdownNow());
  const { stoppedBy, exitCode } = await running;
  console.log(`run: ${stoppedBy} ${exitCode}`);
} catch (error) {
  if (!(error instanceof Shutdown)) throw error;
  console.log(`run: Shutdown ${error.result?.stoppedBy}`);
}
console.log(`INT: ${process.listeners('SIGINT').map((listener) => listener === own)}`);
console.log(`TERM: ${process.rawListeners('SIGTERM').length}, QUIT: ${process.listenerCount('SIGQUIT')}`);
process.kill(process.pid, 'SIGTERM');
setTimeout(() => {}, 10_000);
