// A signal arrives while one takeover follows another, and the event loop has not turned in between.
import { takeOverSignals } from '../../../runtime/signals.ts';

const heard: string[] = [];
const first = takeOverSignals(new Map([['SIGINT' as const, () => heard.push('first')]]));
process.kill(process.pid, 'SIGINT');
const second = takeOverSignals(new Map([['SIGINT' as const, () => heard.push('second')]]));
while (heard.length < 1) await new Promise((resolve) => setImmediate(resolve));
second.end();
process.kill(process.pid, 'SIGINT');
while (heard.length < 2) await new Promise((resolve) => setImmediate(resolve));
first.end();
console.log(heard.join(' '));
