// Projects of every built-in template, made by the command as a person would make them.
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { expect } from 'vitest';
import { contractText, hooksOf } from '../../generators/hooks.ts';
import { templates } from '../../generators/templates.ts';
import { cleanEnvironment, createDivvyTask, freshFolder } from '../generators/commands.ts';

export const templateNames: readonly string[] = templates().map(({ name }) => name);
export const hookNames: readonly string[] = hooksOf(contractText()).map(({ name }) => name);

/** Makes a project in a fresh folder that goes with the test. Returns its folder. */
export async function makeProject(template: string, hooks: readonly string[] = []): Promise<string> {
  const cwd = freshFolder();
  const hooked = hooks.length > 0 ? ['--hooks', hooks.join(',')] : [];
  const { code, stderr } = await createDivvyTask(['my-task', '--template', template, '--no-git', ...hooked], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return join(cwd, 'my-task');
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

type NodeOptions = {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly extendEnv: false;
  readonly reject: false;
  readonly stdin: 'ignore';
  readonly maxBuffer: number;
};
