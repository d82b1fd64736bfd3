import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import type { Parallelizable } from '#divvy';

/** Which processes this one has started, and are there. */
export function children(): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n');
  return rows.flatMap((row) => {
    const [pid, parent, name = ''] = row.trim().split(/\s+/);
    return Number(parent) === process.pid && !/ps$/.test(name) ? Number(pid) : [];
  });
}

/** Looks at who is there before the first item, and does what its argument says: a worker has what the master has by then. */
export default class Early implements Parallelizable<number[]> {
  async *dispatch(): AsyncGenerator<number[]> {
    const [, , way] = process.argv;
    const there = children();
    if (way === 'environment') process.env['FROM_DISPATCH'] = 'yes';
    else if (way === 'folder') process.chdir('/');
    else if (way === 'mask') process.umask(0o077);
    else if (way === 'killed') {
      for (const pid of there) process.kill(pid, 'SIGKILL');
      while (children().length > 0) await new Promise((resolve) => setImmediate(resolve));
    } else if (way === 'waits') {
      console.log(JSON.stringify(there));
      await once(process, 'never');
    } else if (way === 'nothing') {
      console.log(JSON.stringify(there));
      return;
    }
    yield there;
  }

  process(there: number[]): void {
    const { pid, env } = process;
    const mine = {
      early: there.includes(pid),
      variable: env['FROM_DISPATCH'],
      folder: process.cwd(),
      mask: process.umask(),
    };
    console.log(JSON.stringify({ before: there.length, ...mine }));
  }
}
