// A program that keeps its signals to itself, and ends the run by itself.
import { Master } from '#divvy';

const abort = new AbortController();
process.on('SIGINT', () => {
  console.log('my own handler');
  abort.abort();
});
process.on('SIGTTIN', () => console.log('mine, too'));
const [taskFile = ''] = process.argv.slice(2);
const master = new Master(taskFile, { workers: 1, items: [1, 2, 3], signals: false });
const { stoppedBy, exitCode, counts } = await master.run({ signal: abort.signal });
console.log(`run: ${stoppedBy} ${exitCode} ${counts.done}`);
console.log(
  `${process.listenerCount('SIGINT')} ${process.listenerCount('SIGQUIT')} ${process.listenerCount('SIGTERM')}`,
);
