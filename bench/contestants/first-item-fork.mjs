// The least that a program can do to have one item handled by another process: in plain JavaScript, and in one file.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (process.send === undefined) {
  const child = fork(fileURLToPath(import.meta.url));
  child.send(1);
  child.once('message', () => child.disconnect());
} else {
  process.on('message', () => {
    console.log(JSON.stringify({ startedAt: performance.timeOrigin + performance.now() }));
    process.send('done');
  });
}
