/** `divvy doctor`: names everything that is not as it should be, with what to do. Reads only. */

import { realRoot } from '../change-set/survey.ts';
import { LOCK, MANIFEST } from '../disk/file-names.ts';
import { version } from '../package.ts';
import { lockToEdit } from '../project/lock.ts';
import { projectFolder, readProject } from '../project/manifest.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { noProject } from '../terminal/errors.ts';
import { harmless } from '../terminal/harmless.ts';
import { Refusal } from '../terminal/refusal.ts';
import type { Home } from '../vendored/owned.ts';
import { ownedFiles, standingOf } from '../vendored/owned.ts';
import { releases } from '../vendored/releases.ts';
import { type Finding, findingsOf } from './findings.ts';
import { onNpm } from './online.ts';

/**
 * Looks at the project that the folder is in.
 *
 * Resolves with 0 if all is as released; with 10 if something differs or is due; with 3 if something is broken. With
 * `--ci`, what the owner changed on purpose counts as right. Rejects with a Refusal with exit code 2 if there is no project.
 */
export async function doctor(call: Call): Promise<Exit> {
  const folder = projectFolder(call.cwd);
  if (folder === undefined) throw noProject(call.cwd);
  const root = realRoot(folder);
  const read = await homeOf(root);
  const findings = 'refusal' in read ? [asFinding(read.refusal)] : findingsOf(call, read.home, releases());
  if (call.values.online === true && 'home' in read) findings.push(...(await onNpm(call, read.home)));
  const exit = exitOf(findings, call.values.ci === true);
  report(call, root, 'home' in read ? read.home : undefined, findings, exit);
  return exit;
}

/** What can be read of the project; or why that is not enough to look at the rest. */
async function homeOf(root: string): Promise<{ readonly home: Home } | { readonly refusal: Refusal }> {
  try {
    const { manifest } = await readProject(root);
    const lock = lockToEdit(root);
    if (lock !== undefined) return { home: { root, manifest, lock } };
    const remedy = `Bring it back from git: git checkout -- ${LOCK}`;
    return {
      refusal: new Refusal(3, `${LOCK} is missing, so nobody can tell what was released and what is yours`, remedy),
    };
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error };
    throw error;
  }
}

const asFinding = ({ message, remedy }: Refusal): Finding => ({
  level: 'broken',
  code: 'unreadable',
  path: message.includes(MANIFEST) ? MANIFEST : LOCK,
  message: /^\S+\.\w/.test(message) ? message : message.charAt(0).toUpperCase() + message.slice(1),
  remedy,
});

function exitOf(findings: readonly Finding[], isCi: boolean): 0 | 3 | 10 {
  const has = (level: Finding['level']) => findings.some((each) => each.level === level);
  if (has('broken')) return 3;
  return has('due') || (!isCi && has('yours')) ? 10 : 0;
}

const WORDS = { broken: 'broken', due: 'to do', yours: 'yours', note: 'note' } as const;

function report(call: Call, root: string, home: Home | undefined, findings: readonly Finding[], exit: number): void {
  const { terminal, values, environment } = call;
  const { style } = terminal;
  const paint = { broken: style.removed, due: style.warning, yours: style.warning, note: style.faint };
  const listed = findings.map(({ level, message, remedy }) => {
    const told = remedy === '' ? '' : `\n         ${harmless(remedy)}`;
    return `${paint[level](WORDS[level].padEnd(8))} ${harmless(message)}${told}`;
  });
  if (values.ci && environment['GITHUB_ACTIONS'] === 'true')
    for (const each of findings) terminal.say(annotation(each));
  const head = home === undefined ? [] : [inShort(home)];
  terminal.say([...head, ...listed, ...verdict(findings, exit)].join('\n'));
  const about = home === undefined ? {} : { runtime: home.lock.runtime };
  terminal.result({ command: 'doctor', version, folder: root, ...about, findings, exitCode: exit });
}

function inShort(home: Home): string {
  const { root, manifest, lock } = home;
  const vendored = [...ownedFiles(home, releases()).values()].filter(({ path }) =>
    path.startsWith(`${manifest.runtime}/`),
  );
  const standings = vendored.map((file) => standingOf(root, file).standing);
  const count = (...kinds: string[]) => standings.filter((each) => kinds.includes(each)).length;
  const parts = [
    `${count('released', 'line-ends')} files as released`,
    ...(count('edited') > 0 ? [`${count('edited')} edited`] : []),
    ...(count('missing', 'no-file') > 0 ? [`${count('missing', 'no-file')} missing`] : []),
  ];
  return `${manifest.runtime}/ is the runtime of divvy ${lock.runtime}: ${parts.join(', ')}.`;
}

function verdict(findings: readonly Finding[], exit: number): string[] {
  const isOnlyYours = findings.every(({ level }) => level === 'yours' || level === 'note');
  if (!isOnlyYours) return [];
  if (exit !== 0) return ['Nothing is broken. What differs from the release is listed above.'];
  return [findings.some(({ level }) => level === 'yours') ? 'Nothing has to be done.' : 'Nothing is wrong.'];
}

/** In the syntax of GitHub's workflows: the finding then stands beside the file in the pull request. */
function annotation({ level, path, message, remedy }: Finding): string {
  const kind = { broken: 'error', due: 'warning', yours: 'notice', note: 'notice' }[level];
  const escaped = (text: string) => harmless(text).replaceAll('%', '%25').replaceAll('\n', '%0A');
  return `::${kind}${path === undefined ? '' : ` file=${escaped(path).replaceAll(',', '%2C').replaceAll(':', '%3A')}`}::${escaped(remedy === '' ? message : `${message}. ${remedy}`)}`;
}
