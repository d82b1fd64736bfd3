// Projects of every built-in template, made by the command as a person would make them.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { expect } from 'vitest';
import { contractText, hooksOf } from '../../generators/project/hooks.ts';
import { findTemplate, templates } from '../../generators/sources/templates.ts';
import { cleanEnvironment, createDivvyTask, freshFolder, home } from '../generators/commands.ts';

export const templateNames: readonly string[] = templates().map(({ name }) => name);
export const hookNames: readonly string[] = hooksOf(contractText()).map(({ name }) => name);

/** The packages that a template's task imports. */
export const packagesOf = (template: string): string[] =>
  Object.keys(findTemplate(template).manifest.dependencies ?? {});

/** The packages of types that a template's task needs besides. */
export const typesOf = (template: string): string[] =>
  Object.keys(findTemplate(template).manifest.permissions?.packageJson?.devDependencies ?? {});

/** The hooks that the class in a template has, in the contract's order. */
export const hooksOfTemplate = (name: string): string[] =>
  hooksWrittenIn(readFileSync(join(home, `templates/${name}/files/tasks/example-task.ts`), 'utf8'));

/** The hooks that the class in a task file has, in the contract's order. */
export const hooksWrittenIn = (source: string): string[] =>
  hookNames.filter((hook) => new RegExp(`^ {2}(async )?${hook}\\(`, 'm').test(source));

/**
 * Makes a project in a fresh folder that goes with the test. What its task imports is there as if it had been installed,
 * and nothing else. Returns its folder.
 */
export async function makeProject(template: string, hooks: readonly string[] = []): Promise<string> {
  const cwd = freshFolder();
  const argv = ['my-task', '--template', template, '--no-git', '--no-install'];
  const hooked = hooks.length > 0 ? ['--hooks', hooks.join(',')] : [];
  const { code, stderr } = await createDivvyTask([...argv, ...hooked], { cwd });
  const there = hooksOfTemplate(template).filter((hook) => hooks.includes(hook));
  const note = `note: in the template's task already, and left as it is there: ${there.join(', ')}\n`;
  expect({ code, stderr }).toEqual({ code: 0, stderr: there.length > 0 ? note : '' });
  const project = join(cwd, 'my-task');
  for (const name of packagesOf(template)) link(name, project);
  return project;
}

/** Puts a package of this repository in a project. */
export function link(name: string, project: string): void {
  const installed = join(project, 'node_modules', name);
  mkdirSync(dirname(installed), { recursive: true });
  symlinkSync(join(home, 'node_modules', name), installed);
}

/** Starts the Node.js that runs the tests, in a project. Resolves when it has ended, however that was. */
export function node(project: string, ...args: string[]): ResultPromise<NodeOptions> {
  const options: NodeOptions = {
    cwd: project,
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 100_000_000,
  };
  return execa(process.execPath, args, options);
}

/** Node.js 22 says that of node:sqlite in each process. */
export const withoutExperimental = (stderr: string): string =>
  stderr.replaceAll(/\(node:\d+\) ExperimentalWarning: SQLite is an .*\n\(Use `node --trace-warnings .*\n?/g, '');

type NodeOptions = {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly extendEnv: false;
  readonly reject: false;
  readonly stdin: 'ignore';
  readonly maxBuffer: number;
};
