// The recipes of docs/recipes/: the commands of each page are run as they stand there, one after another, in one shell.
// service.md and container.md are in test/runtime/operations.test.ts.
// Those of frameworks are in frameworks.test.ts.
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { partsNamed } from '../../generators/project/parts.ts';
import { freshFolder, home } from '../generators/commands.ts';
import { makeCollector } from '../runtime/collector.ts';
import { blocksOf, programsIn, projectIn, recipes, shell } from './recipe-pages.ts';

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

test('each page is tried here, or where it is said above', () => {
  const pages = [
    'application-code',
    'backfill',
    'ci',
    'container',
    'debugging',
    'express',
    'files',
    'http',
    'nest',
    'next',
    'renovate',
    'results',
    'service',
    'team-template',
    'telemetry',
  ];
  expect(readdirSync(recipes).sort()).toEqual(pages.map((page) => `${page}.md`));
});

test('files: sha256sum agrees with every line, and a resume does only the rest', async () => {
  const folder = freshFolder();
  const ended = await shell(folder, blocksOf('files', 'sh'));
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const runtime = readdirSync(join(folder, 'my-files/vendor'), { recursive: true, withFileTypes: true });
  const count = runtime.filter((entry) => entry.isFile()).length;
  expect(linesOf(join(folder, 'my-files/ten.txt'))).toHaveLength(count);
  expect(new Set(linesOf(join(folder, 'my-files/ten.txt'))).size).toBe(count);
  expect(ended.stderr).toContain('10 skipped');
});

test('files: the other work on each file compiles into the task, and is done', async () => {
  const folder = freshFolder();
  const bin = programsIn(folder);
  const [create = ''] = blocksOf('files', 'sh').map((block) => block.split('\n')[0] ?? '');
  expect((await shell(folder, [create], bin)).code).toBe(0);
  const file = join(folder, 'my-files/tasks/my-files.ts');
  const [imports = '', method = ''] = blocksOf('files', 'ts')[0]?.split('\n\n') ?? [];
  const process = /^ {2}async process\([\s\S]*?^ {2}\}\n/m;
  const source = readFileSync(file, 'utf8').replace(process, () => method);
  writeFileSync(file, `${imports}\n${source}`);
  const ended = await shell(join(folder, 'my-files'), ['npm start --silent -- divvy.json'], bin);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(existsSync(join(folder, 'my-files/divvy.json.gz'))).toBe(true);
});

test('http: the URLs of a file are fetched, and there is nothing to try again', async () => {
  const server = createServer((_request, response) => response.end('fine'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const folder = freshFolder();
  const commands = blocksOf('http', 'sh').map((block) => block.replaceAll('https://example.org/', url));
  const ended = await shell(folder, commands);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  const answers = linesOf(join(folder, 'my-urls/answers.ndjson')).map((line) => JSON.parse(line) as object);
  expect(answers).toEqual([expect.objectContaining({ url, status: 200, bytes: 4, attempts: 1 })]);
});

test("application-code: a task runs the application's own code: TypeScript, what was built, and by tsx", async () => {
  const folder = freshFolder();
  const files = {
    'package.json': '{ "name": "shop", "private": true, "type": "module" }\n',
    'tsconfig.json':
      '{ "compilerOptions": { "module": "esnext", "moduleResolution": "bundler", "paths": { "@app/*": ["./src/*"] } }, "include": ["src"] }\n',
    'src/renew.ts': "export const renew = (id: number): string => 'renewed '.concat(String(id));\n",
    'dist/renew.js': "export const renew = (id) => 'built '.concat(String(id));\n",
    'src/customers.ts':
      "import { ids } from './ids';\nexport enum Plan { Yearly = 'yearly' }\nexport const customers = ids;\n",
    'src/ids.ts': 'export const ids = (): number[] => [7, 8];\n',
  };
  for (const name of ['src', 'dist']) mkdirSync(join(folder, 'shop', name), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, 'shop', path), text);
  const bin = programsIn(folder);
  const shop = join(folder, 'shop');
  const [add = '', plainly = '', byTsx = ''] = blocksOf('application-code', 'sh');
  const [plain = '', more = ''] = blocksOf('application-code', 'ts');
  const runs: [commands: string, task: string, expected: string[]][] = [
    [plainly, plain, ['renewed 1', 'renewed 2', 'renewed 3']],
    [plainly, plain.replace('../src/renew.ts', '../dist/renew.js'), ['built 1', 'built 2', 'built 3']],
    [byTsx, more, ['7 yearly', '8 yearly']],
  ];
  const added = await shell(shop, [add], bin);
  expect(added, added.stderr).toMatchObject({ code: 0 });
  for (const [commands, task, expected] of runs) {
    expect(task).toMatch(/^\/\/ tasks\/renew-customers\.ts\n/);
    writeFileSync(join(shop, 'tasks/renew-customers.ts'), task);
    const ended = await shell(shop, [commands], bin);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout.split('\n').sort()).toEqual(expect.arrayContaining(expected));
  }
});

test('results: each item has its line, in order, and the page shows the first ones', async () => {
  const folder = freshFolder();
  const bin = programsIn(folder);
  const [create = '', run = '', add = ''] = blocksOf('results', 'sh');
  const created = await shell(folder, [create], bin);
  expect(created.code, created.stderr).toBe(0);
  const project = join(folder, 'my-sums');
  const [task = ''] = blocksOf('results', 'ts');
  expect(task).toMatch(/^\/\/ tasks\/my-sums\.ts\n/);
  writeFileSync(join(project, 'tasks/my-sums.ts'), task);
  const { code, stdout, stderr } = await shell(project, [run, add], bin);
  expect(code, stderr).toBe(0);
  const [shown = ''] = blocksOf('results', 'json');
  expect(stdout).toContain(`${shown}500500\n`);
  expect(readFileSync(join(project, 'sums.ndjson'), 'utf8').split('\n')).toHaveLength(11);
});

test('backfill: each row of the table is changed, and a resume lists only what is left', async () => {
  const folder = freshFolder();
  const bin = programsIn(folder);
  const [create = '', run = ''] = blocksOf('backfill', 'sh');
  const made = await shell(folder, [create], bin);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  const project = join(folder, 'my-backfill');
  const [task = ''] = blocksOf('backfill', 'ts');
  expect(task).toMatch(/^\/\/ tasks\/my-backfill\.ts\n/);
  writeFileSync(join(project, 'tasks/my-backfill.ts'), task);
  const ended = await shell(project, [run], bin);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(ended.stderr).toMatch(/5 items: 5 done/);
  expect(ended.stderr).toMatch(/Resuming run .* after \d+ \(item \d\), skipping what has ended/);
  expect(ended.stderr).toMatch(/(2[5-9]|30) items: 25 done/);
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(join(project, 'app.db'), { readOnly: true });
  expect(db.prepare('select count(*) as left from users where lower is not lower(email)').get()).toEqual({ left: 0 });
  db.close();
});

test('ci: the test and the runtime are checked, and a second job goes on with the journal', async () => {
  const folder = freshFolder();
  const project = await projectIn(folder, 'my-backfill');
  const [check = '', run = '', goOn = ''] = blocksOf('ci', 'sh');
  const limited = goOn.replace('--resume', '--resume --limit 5');
  expect(limited).not.toBe(goOn);
  const ended = await shell(project, [check, run, limited, goOn], programsIn(folder));
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(ended.stderr).toMatch(/12 items: 7 done, 5 skipped/);
  const events = linesOf(join(project, 'events.ndjson')).map((line) => (JSON.parse(line) as { type: string }).type);
  expect(events.at(-1)).toBe('ended');
});

test('team-template: a template is made, checked, tested, tagged and used', async () => {
  const folder = freshFolder();
  // What `template test` takes from above, in place of installing it.
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  for (const name of ['typescript', '@types/node', 'undici-types'])
    if (existsSync(join(home, 'node_modules', name)))
      symlinkSync(join(home, 'node_modules', name), join(folder, 'node_modules', name));
  mkdirSync(join(folder, 'shop'));
  writeFileSync(join(folder, 'shop/package.json'), '{ "name": "shop", "private": true, "type": "module" }\n');
  const source = 'github:acme/templates/team-backfill';
  const commands = blocksOf('team-template', 'sh').join('\n');
  expect(commands).toContain(source);
  const local = `git+file://${folder}/templates#team-backfill`;
  const ended = await shell(folder, [commands.replace(source, () => `'${local}'`)]);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'shop/tasks/nightly.ts'), 'utf8')).toContain('orders');
});

test('debugging: the commands run, and a debugger sees the master or, with --inline, all', async () => {
  const folder = freshFolder();
  const project = await projectIn(folder, 'my-task');
  const bin = programsIn(folder);
  const commands = blocksOf('debugging', 'sh').join('\n');
  // It would wait for somebody to attach.
  const attached = commands.replace('--inspect-brk', '--inspect=127.0.0.1:0');
  expect(attached).not.toBe(commands);
  const ended = await shell(project, [attached], bin);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(ended.stderr.match(/Debugger listening on/g)).toHaveLength(1);

  const alone = await shell(project, ['node --inspect=127.0.0.1:0 vendor/divvy/run.mjs -n 2 tasks/my-task.ts'], bin);
  expect(alone, alone.stderr).toMatchObject({ code: 0 });
  expect(alone.stderr.match(/Debugger listening on/g)).toHaveLength(1);

  const [imports = '', method = ''] = blocksOf('debugging', 'ts')[0]?.split('\n\n') ?? [];
  const file = join(project, 'tasks/my-task.ts');
  const hook = method.replace('9300 + worker.number', '0 * worker.number');
  const source = readFileSync(file, 'utf8').replace(/^(export default class .* \{\n)/m, (line) => `${line}${hook}\n`);
  writeFileSync(file, `${imports}\n${source}`);
  const workers = await shell(project, ['node vendor/divvy/run.mjs -n 2 tasks/my-task.ts'], bin);
  expect(workers, workers.stderr).toMatchObject({ code: 0 });
  expect(workers.stderr.match(/Debugger listening on/g)).toHaveLength(2);
});

test('renovate: the workflow runs its commands, and the pattern finds the version in a new project', async () => {
  const folder = freshFolder();
  const bin = programsIn(folder);
  expect((await shell(folder, ['npm create divvy-task@latest p -- --yes --no-git'], bin)).code).toBe(0);
  const project = join(folder, 'p');
  const commands = [
    ...readFileSync(join(recipes, 'renovate.md'), 'utf8').matchAll(/- run: npx --yes -p \S+ (divvy .*)$/gm),
  ];
  expect(commands.map(([, line]) => line)).toEqual(['divvy doctor --ci', 'divvy upgrade --check']);
  for (const [, line = ''] of commands) expect((await shell(project, [line], bin)).code).toBe(0);
  const { customManagers } = JSON.parse(blocksOf('renovate', 'json')[0] ?? '');
  const pattern = new RegExp(customManagers[0].matchStrings[0]);
  const packageJson = readFileSync(join(project, 'package.json'), 'utf8');
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  expect(pattern.exec(packageJson)?.groups).toEqual({ depName: 'create-divvy-task', currentValue: version });
});

test('telemetry: a run sends its spans, and a tracer of your own is told of attempts', async () => {
  const folder = freshFolder();
  const bin = programsIn(folder);
  const { env, spans } = await makeCollector();
  // Nothing is fetched here: the packages are those of this repository.
  const packages = Object.keys(partsNamed('telemetry')[0]?.dependencies ?? {});
  const links = packages.map((name) => `ln -s '${home}/node_modules/${name}' node_modules/${name}`);
  const [commands = ''] = blocksOf('telemetry', 'sh');
  const ended = await shell(
    folder,
    [
      commands
        .replace('add telemetry', 'add telemetry --no-install\nmkdir -p node_modules/@opentelemetry')
        .replace(/^OTEL/m, () => `${links.join('\n')}\nOTEL`)
        .replace('http://localhost:4318', () => env.OTEL_EXPORTER_OTLP_ENDPOINT),
    ],
    bin,
  );
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  expect(ended.stderr).not.toContain('telemetry: ');
  const runs = spans.filter(({ name }) => name === 'run my-backfill');
  expect(runs).toMatchObject([{ service: 'my-backfill', attributes: { 'divvy.items.done': 12 } }]);

  const [tracer = ''] = blocksOf('telemetry', 'ts');
  writeFileSync(join(folder, 'my-backfill/tracer.ts'), tracer);
  const traced = await shell(join(folder, 'my-backfill'), ['npm start -- --import ./tracer.ts'], bin);
  expect(traced.stderr.match(/^item \d+: done, [\d.]+ ms$/gm)).toHaveLength(12);
});
