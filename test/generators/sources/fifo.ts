// A pipe that has a name: whoever opens it to read waits for one who writes.
import { execFileSync } from 'node:child_process';

export const mkfifo = (path: string): unknown => execFileSync('mkfifo', [path]);
