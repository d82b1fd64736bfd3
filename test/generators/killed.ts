// One process of crash.test.ts: `node killed.ts <step> write|undo|recover <root> <files>`. It kills itself before its nth step on
// the disk, as the machine's owner or a lack of memory might. With `turns` in place of the step's act it writes and takes
// back without end, for whoever wants to kill it at any moment.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , step, act, root = '', files = '{}'] = process.argv;
let count = 0;

const STEPS = ['mkdirSync', 'writeFileSync', 'renameSync', 'rmSync', 'rmdirSync', 'chmodSync'] as const;
for (const name of STEPS) {
  const real = fs[name] as (...given: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...given: unknown[]) => {
      if (++count === Number(step)) process.kill(process.pid, 'SIGKILL');
      return real(...given);
    },
  });
}
syncBuiltinESMExports();

const { survey } = await import('../../generators/change-set/survey.ts');
const { recover } = await import('../../generators/change-set/recovery.ts');
const { write } = await import('../../generators/change-set/write.ts');

const { reversalOfLast } = await import('../../generators/change-set/reversal.ts');

function writeAll(): void {
  const wanted = Object.entries(JSON.parse(files) as Record<string, string | null>).map(([path, text]) => {
    return { path, after: text === null ? undefined : Buffer.from(text) };
  });
  const { added, differing } = survey(root, wanted);
  write({ root, changes: [...added, ...differing], goneFolders: ['going'] }, 'a test');
}

function undo(): void {
  const reversal = reversalOfLast(root);
  if (reversal) write(reversal, 'undo');
}

if (act === 'recover') recover(root);
else if (act === 'undo') undo();
else if (act === 'write') writeAll();
else {
  process.stdout.write('ready');
  for (;;) {
    recover(root);
    writeAll();
    undo();
  }
}

process.stdout.write(String(count));
