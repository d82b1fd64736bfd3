/** What a newer template changes besides files: in package.json, and in the lock. */

import { PACKAGE_JSON } from '../disk/file-names.ts';
import { sumOf } from '../disk/line-ends.ts';
import type { HostFile } from '../host/host-file.ts';
import type { HostFiles } from '../host/host-files.ts';
import { inPackageJson as order } from '../host/order.ts';
import type { Lock } from '../project/lock.ts';
import { withEdited } from '../rendering/lock-edits.ts';
import { packageJsonOf } from '../rendering/places.ts';
import type { Template } from '../sources/templates.ts';
import type { Outcome } from '../vendored/three-way.ts';
import type { Renewal } from './renewal.ts';

const KINDS = ['scripts', 'dependencies', 'devDependencies'] as const;

type Entries = { readonly [name: string]: string };

function entriesOf({ manifest }: Template): Readonly<Record<(typeof KINDS)[number], Entries>> {
  return { ...packageJsonOf(manifest), dependencies: manifest.dependencies ?? {} };
}

/**
 * Edits the packages and scripts that a template asks for: new ones are put in, and those that are still as the template wrote
 * them are renewed, or taken out.
 *
 * Returns a line for each that its owner has changed, and that stays.
 */
export function renewPackages(host: HostFiles, { old, newest, task, locked }: Renewal, lock: Lock): string[] {
  const file = host.open(PACKAGE_JSON, 'json');
  if (file === undefined) return [];
  const now = entriesOf(newest);
  // Of an old version that cannot be fetched only the names of packages are known.
  const before = old ? entriesOf(old) : { scripts: locked.scripts ?? {}, dependencies: {}, devDependencies: {} };
  return KINDS.flatMap((kind) => [
    ...Object.entries(now[kind]).flatMap(([name, value]) => put(file, kind, name, value, before[kind][name])),
    ...Object.entries(before[kind]).flatMap(([name, value]) => {
      if (Object.hasOwn(now[kind], name) || isNeeded(lock, task, kind, name)) return [];
      file.dropOwn([kind], name, value);
      return file.value([kind, name]) === undefined ? [] : [yours(kind, name, 'no longer needs it')];
    }),
  ]);
}

function put(file: HostFile, kind: string, name: string, value: string, before: string | undefined): string[] {
  const there = file.value([kind, name]);
  const isPackage = kind !== 'scripts';
  const isElsewhere =
    isPackage && KINDS.slice(1).some((other) => other !== kind && file.value([other, name]) !== undefined);
  if (there === value || isElsewhere) return [];
  if (there === undefined) file.putProperty([kind], name, value, { order });
  else if (there === before) file.renewProperty([kind], name, value);
  else return before === value ? [] : [yours(kind, name, `now wants ${JSON.stringify(value)}`)];
  return [];
}

const yours = (kind: string, name: string, wish: string): string =>
  `${kind}.${name} in ${PACKAGE_JSON} is yours, and stays: the template ${wish}.`;

function isNeeded(lock: Lock, task: string, kind: string, name: string): boolean {
  const others = Object.entries(lock.tasks).flatMap(([other, each]) => (other === task ? [] : [each]));
  return others.some(({ dependencies = [], scripts = {} }) =>
    kind === 'scripts' ? Object.hasOwn(scripts, name) : dependencies.includes(name),
  );
}

/**
 * The lock with a task as its newer template makes it. Of a merged file it has the sum that the template gives it.
 *
 * left - files that stay as they are.
 */
export function lockWithTask(lock: Lock, renewal: Renewal, settled: readonly Outcome[], left: readonly string[]): Lock {
  const { task, locked, newest, answers, made } = renewal;
  const { scripts, devDependencies } = packageJsonOf(newest.manifest);
  const dependencies = Object.keys({ ...newest.manifest.dependencies, ...devDependencies });
  const { dependencies: _, scripts: __, files: before = [], ...rest } = locked;
  const files = { ...lock.files };
  const isOwners = (path: string) => before.includes(path) && lock.files[path] === undefined;
  const isOthers = (path: string) =>
    Object.entries(lock.tasks).some(([name, { files: theirs = [] }]) => name !== task && theirs.includes(path));
  for (const path of before) if (!left.includes(path) && !isOthers(path)) delete files[path];
  for (const { path, after } of made.files) if (!isOwners(path) && !left.includes(path)) files[path] = sumOf(after);
  const own = [
    ...made.files.map(({ path }) => path),
    ...before.filter((path) => isOwners(path) || left.includes(path)),
  ];
  const isThere = (path: string) => settled.find((each) => each.path === path)?.kind !== 'gone';
  const after: Lock = {
    ...lock,
    files,
    tasks: {
      ...lock.tasks,
      [task]: {
        ...rest,
        template: newest.manifest.name,
        templateVersion: newest.manifest.version,
        source: newest.origin.source,
        resolved: newest.origin.resolved,
        answers: answers.shown,
        files: [...new Set(own)].sort(),
        ...(dependencies.length > 0 && { dependencies }),
        ...(Object.keys(scripts).length > 0 && { scripts }),
      },
    },
  };
  return made.edited && isThere(made.edited.path) ? withEdited(after, made.edited) : after;
}
