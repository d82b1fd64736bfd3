/** `divvy list`: the tasks that are here, and the templates and hooks that there are. */

import type { Call, Exit } from '../command.ts';
import { table } from '../help.ts';
import { contractText, hooksOf } from '../hooks.ts';
import { openProject, projectFolder } from '../manifest.ts';
import { taskNames } from '../tasks.ts';
import { templates } from '../templates.ts';

export async function list({ cwd, terminal }: Call): Promise<Exit> {
  const project = projectFolder(cwd) === undefined ? undefined : await openProject(cwd);
  const tasks = project ? taskNames(project) : [];
  const rows = templates().map(({ name, description }) => [name, description] as const);
  const hooks = hooksOf(contractText()).map(({ name, summary }) => [name, summary] as const);
  const { style } = terminal;
  terminal.say(
    [
      project ? `${style.strong('Tasks')} in ${project.folder}` : style.strong('Tasks'),
      ...(project ? tasks.map((task) => `  ${task}`) : ['  none: there is no divvy.json here or above']),
      ...(project && tasks.length === 0 ? ['  none yet'] : []),
      '',
      style.strong('Templates'),
      ...table(rows),
      '',
      style.strong('Hooks'),
      ...table(hooks),
    ].join('\n'),
  );
  terminal.result({
    command: 'list',
    ...(project && { folder: project.folder }),
    tasks,
    templates: rows.map(([name, description]) => ({ name, description })),
    hooks: hooks.map(([name, summary]) => ({ name, summary })),
  });
  return 0;
}
