// Commands in a terminal that a person sits at.
import { openTerminal, type Session } from '../tmux.ts';
import { cleanEnvironment, commandFile } from './commands.ts';

/** Runs create-divvy-task in a terminal of its own; when it has ended, the screen shows `exit <code>`. */
export const session = (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Session =>
  open(
    ['sh', '-c', `${THEN_EXIT}; read -r _`, 'sh', process.execPath, commandFile('create-divvy-task'), ...argv],
    cwd,
    env,
  );

const THEN_EXIT = '"$@"; echo "exit $?"';

/** The same, typed into a shell that a person works in, as the child of a program that waits for it, as npm does. */
export function shellSession(argv: readonly string[], cwd: string): Session {
  const shell = open(['sh', '-i'], cwd, {
    PS1: '$ ',
    COMMAND: commandFile('create-divvy-task'),
    NODE: process.execPath,
  });
  shell.types(`sh -c '${THEN_EXIT}' sh "$NODE" "$COMMAND" ${argv.join(' ')}`);
  shell.keys('Enter');
  return shell;
}

function open(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Session {
  return openTerminal(command, cwd, cleanEnvironment({ TERM: 'xterm-256color', ...env }));
}
