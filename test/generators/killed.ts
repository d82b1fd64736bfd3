// One process of crash.test.ts: `node killed.ts <step> write|recover <root> <files>`. It kills itself before its nth step on the
// disk, as the machine's owner or a lack of memory might.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , step, act, root = '', files = '{}'] = process.argv;
let count = 0;

for (const name of ['mkdirSync', 'writeFileSync', 'renameSync', 'rmSync', 'rmdirSync', 'chmodSync'] as const) {
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

if (act === 'recover') {
  recover(root);
} else {
  const wanted = Object.entries(JSON.parse(files) as Record<string, string>).map(([path, text]) => {
    return { path, after: Buffer.from(text) };
  });
  const { added, differing } = survey(root, wanted);
  write({ root, changes: [...added, ...differing] }, 'a test');
}

process.stdout.write(String(count));
