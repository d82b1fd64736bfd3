// A program that runs a task with metrics, in a file that it names from where it is at the start. It ends when nothing is left.
import path from 'node:path';
import { Master } from '#divvy';

const [file = ''] = process.argv.slice(2);
process.chdir(path.dirname(file));
const master = new Master(new URL('../tasks/echo.ts', import.meta.url), {
  workers: 1,
  items: elsewhere(),
  metricsFile: path.basename(file),
});
await master.run();

function* elsewhere(): Generator<number> {
  process.chdir('/');
  yield* [1, 2, 3];
}
