/** Tries a template once: in one shape, with one set of answers. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseJson } from '../json/parse.ts';
import { runTool, type ToolResult } from '../programs/processes.ts';
import type { Case } from './cases.ts';
import type { Shape } from './shapes.ts';

export interface Step {
  readonly step: 'made' | 'type check' | 'tests';
  /** What the step printed, if it failed. */
  readonly failed?: string;
}

/** What a trial needs. */
export interface Bench {
  /** Absolute: a folder for all trials, with the packages in its node_modules. */
  readonly folder: string;
  /** Absolute: the template's folder. */
  readonly template: string;
  readonly environment: NodeJS.ProcessEnv;
}

const TASK = 'try-it';

/**
 * Makes a project or adds a task with the command itself, as a person would; checks the types with the project's own
 * tsconfig, and runs its tests. Ends after a step that fails, except after a type check.
 */
export async function* tryOut(bench: Bench, { name, answers, hooks }: Case, shape: Shape): AsyncGenerator<Step> {
  const place = join(bench.folder, `case-${name}`, shape.name.replaceAll(' ', '-').toLowerCase());
  const project = shape.command === 'create' ? join(place, TASK) : place;
  mkdirSync(place, { recursive: true });
  for (const [path, text] of Object.entries(shape.files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  const dataFile = join(bench.folder, `case-${name}`, 'answers.json');
  writeFileSync(dataFile, JSON.stringify(answers));

  const divvy = process.argv[1] ?? '';
  const flags = [
    '--template',
    bench.template,
    '--data-file',
    dataFile,
    '--no-install',
    '--pm',
    'npm',
    '--yes',
    '--trust',
    '--json',
  ];
  const given = hooks === undefined ? flags : [...flags, '--hooks', hooks.join(',')];
  const line = [divvy, shape.command, TASK, ...given, ...(shape.command === 'create' ? ['--no-git'] : [])];
  const made = await node(bench, place, line);
  yield step('made', made);
  if (!made.done) return;

  const compiler = join(bench.folder, 'node_modules/typescript/bin/tsc');
  let checked: ToolResult = made;
  for (const argv of shape.checks)
    if (checked.done) checked = await node(bench, project, [compiler, '--project', ...argv]);
  yield step('type check', checked);

  const tests = testsIn(made.output);
  if (tests.length === 0) yield { step: 'tests', failed: 'there is no test among the files that it wrote' };
  else yield step('tests', await node(bench, project, ['--test', ...tests]));
}

const node = ({ environment }: Bench, cwd: string, argv: readonly string[]): Promise<ToolResult> =>
  runTool(process.execPath, argv, { cwd, environment });

function step(name: Step['step'], result: ToolResult): Step {
  if (result.done) return { step: name };
  const printed = [result.output, result.said].map((text) => text.trimEnd()).filter((text) => text !== '');
  return { step: name, failed: printed.length > 0 ? printed.join('\n') : result.reason };
}

/** The tests among the written files, from the JSON object that the command prints. */
function testsIn(output: string): string[] {
  const { files } = parseJson(output) as { files: readonly { path: string }[] };
  return files.map(({ path }) => path).filter((path) => /\.test\.[cm]?[jt]s$/.test(path));
}
