// The recipes for applications of NestJS, Next.js and Express: their commands and tasks, as they stand, beside a small application.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freshFolder, home } from '../generators/commands.ts';
import { blocksOf, programsIn, shell } from './recipe-pages.ts';

// Many programs one after another: a busy machine takes its time.
vi.setConfig({ testTimeout: 600_000 });

/** Makes an application, with packages of this repository. Returns its folder. */
function application(files: Readonly<Record<string, string | object>>, packages: readonly string[]): string {
  const root = join(freshFolder(), 'shop');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
  }
  for (const name of packages) {
    mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true });
    symlinkSync(join(home, 'node_modules', name), join(root, 'node_modules', name));
  }
  return root;
}

/** Runs the commands of a page in turn, with its task in place after the first ones. */
async function follow(page: string, root: string): Promise<string> {
  const [add = '', ...runs] = blocksOf(page, 'sh');
  const [task = ''] = blocksOf(page, 'ts');
  const [, file = ''] = /^\/\/ (tasks\/\S+)\n/.exec(task) ?? [];
  const bin = programsIn(dirname(root));
  const added = await shell(root, [add], bin);
  expect(added, added.stderr).toMatchObject({ code: 0 });
  expect(readFileSync(join(root, file), 'utf8')).toContain('export default class'); // divvy has made it here
  writeFileSync(join(root, file), task);
  let stdout = '';
  for (const commands of runs) {
    const ended = await shell(root, [commands], bin);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });
    stdout += ended.stdout;
  }
  return stdout;
}

const CUSTOMERS = ['customer 1', 'customer 2', 'customer 3'];
const linesWith = (stdout: string, word: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith(word))
    .sort();

test('nest: a service with what is injected into it, from the build', async () => {
  const root = application(
    {
      'package.json': { name: 'shop', private: true, scripts: { build: 'npx tsc -p tsconfig.build.json' } },
      'tsconfig.json': {
        compilerOptions: {
          ...{
            module: 'nodenext',
            target: 'ES2023',
            types: ['node'],
            outDir: 'dist',
            rootDir: 'src',
            declaration: true,
          },
          ...{ experimentalDecorators: true, emitDecoratorMetadata: true, strict: true, skipLibCheck: true },
        },
      },
      'tsconfig.build.json': { extends: './tsconfig.json', include: ['src'] },
      'src/customers/database.service.ts': `import { Injectable, OnModuleDestroy } from '@nestjs/common';

@Injectable()
export class DatabaseService implements OnModuleDestroy {
  rename(id: number): string {
    return 'customer ' + id;
  }
  onModuleDestroy(): void {
    console.log('closed by', process.env['DIVVY_WORKER'] ?? 'the master');
  }
}
`,
      'src/customers/customers.service.ts': `import { Injectable } from '@nestjs/common';
import { DatabaseService } from './database.service.js';

@Injectable()
export class CustomersService {
  constructor(private readonly database: DatabaseService) {}
  async renew(id: number): Promise<string> {
    return this.database.rename(id);
  }
}
`,
      'src/app.module.ts': `import { Module } from '@nestjs/common';
import { CustomersService } from './customers/customers.service.js';
import { DatabaseService } from './customers/database.service.js';

@Module({ providers: [CustomersService, DatabaseService] })
export class AppModule {}
`,
    },
    ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs', '@types/node', 'typescript'],
  );
  const stdout = await follow('nest', root);
  expect(linesWith(stdout, 'customer')).toEqual(CUSTOMERS);
  expect(linesWith(stdout, 'closed by 1')).toHaveLength(1);
  expect(stdout).not.toContain('the master');
  const checked = await shell(root, ['npx tsc -p tasks'], join(dirname(root), '.bin'));
  expect(checked, checked.stdout).toMatchObject({ code: 0 });
});

test('next: code behind an alias, with an enum and server-only, by tsx', async () => {
  const root = application(
    {
      'package.json': { name: 'shop', private: true, devDependencies: { typescript: '*', '@types/node': '^24.0.0' } },
      'tsconfig.json': {
        compilerOptions: {
          ...{
            target: 'ES2017',
            lib: ['dom', 'dom.iterable', 'esnext'],
            allowJs: true,
            skipLibCheck: true,
            strict: true,
          },
          ...{ noEmit: true, esModuleInterop: true, module: 'esnext', moduleResolution: 'bundler', jsx: 'react-jsx' },
          ...{ resolveJsonModule: true, isolatedModules: true, incremental: true, paths: { '@/*': ['./src/*'] } },
        },
        include: ['**/*.ts', '**/*.tsx'],
        exclude: ['node_modules'],
      },
      'src/lib/plan.ts': "export enum Plan {\n  Yearly = 'yearly',\n}\n",
      'src/lib/secrets.ts': "import 'server-only';\nexport const prefix = 'customer';\n",
      'src/lib/customers.ts': `import { Plan } from '@/lib/plan';
import { prefix } from './secrets';

export { Plan };
export const renew = (id: number, plan: Plan): string => (plan === Plan.Yearly ? prefix + ' ' + id : 'none');
`,
    },
    ['server-only', '@types/node', 'typescript'],
  );
  // The page's first run is of code without server-only.
  const refused = follow('next', root);
  await expect(refused).rejects.toThrow(/start the run with NODE_OPTIONS=--conditions=react-server/);
  const [, , asServer = ''] = blocksOf('next', 'sh');
  const bin = join(dirname(root), '.bin');
  const served = await shell(root, [asServer, 'npx tsc -p tasks'], bin);
  expect(served, served.stdout + served.stderr).toMatchObject({ code: 0 });
  expect(linesWith(served.stdout, 'customer')).toEqual(CUSTOMERS);
  writeFileSync(join(root, 'src/lib/secrets.ts'), "export const prefix = 'customer';\n");
  const [, run = ''] = blocksOf('next', 'sh');
  const plain = await shell(root, [run], bin);
  expect(plain, plain.stdout + plain.stderr).toMatchObject({ code: 0 });
  expect(linesWith(plain.stdout, 'customer')).toEqual(CUSTOMERS);
});

test('express: services that connect when they are loaded do so in the workers only', async () => {
  const root = application(
    {
      'package.json': { name: 'shop', private: true, devDependencies: { typescript: '*' } },
      'tsconfig.json': {
        compilerOptions: {
          ...{ target: 'ES2022', module: 'CommonJS', rootDir: 'src', outDir: 'dist', strict: true, skipLibCheck: true },
          ...{ esModuleInterop: true, types: ['node'] },
        },
        include: ['src'],
      },
      'src/db/index.ts': `const timer = setInterval(() => {}, 1000);
console.log('connected in', process.env.DIVVY_WORKER ?? 'the master');
export async function close(): Promise<void> {
  clearInterval(timer);
  console.log('closed in', process.env.DIVVY_WORKER ?? 'the master');
}
`,
      'src/plan.ts': 'export enum Plan {\n  Yearly,\n}\n',
      'src/services/customers.ts': `import '../db';
import { Plan } from '../plan';

export async function renew(id: number, plan = Plan.Yearly): Promise<string> {
  return plan === Plan.Yearly ? 'customer ' + id : 'none';
}
`,
    },
    ['@types/node', 'typescript'],
  );
  const stdout = await follow('express', root);
  expect(linesWith(stdout, 'customer')).toEqual(CUSTOMERS);
  const workers = linesWith(stdout, 'connected in').map((line) => line.replace('connected in', 'closed in'));
  expect(workers.length).toBeGreaterThan(0);
  expect(linesWith(stdout, 'closed in')).toEqual(workers);
  expect(stdout).not.toContain('the master');
});
