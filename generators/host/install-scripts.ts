/**
 * What a package manager is told of install scripts that need not run. divvy says so where the package has a list of such
 * decisions already, and where the package manager can't do without:
 *
 * - npm warns of a script that "allowScripts" in package.json says nothing about.
 * - pnpm fails from 11 on, unless allowBuilds in pnpm-workspace.yaml has the package. pnpm 10 only warns, and reads
 *   ignoredBuiltDependencies there and in package.json, too.
 * - yarn and bun ask for nothing.
 */

import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import type { Insertion } from '../json/insertions.ts';
import { parseJson } from '../json/parse.ts';
import type { PackageManager } from '../programs/package-manager.ts';
import { runTool } from '../programs/processes.ts';
import { type Hint, isLink } from './hints.ts';
import { withLine } from './host-file.ts';
import type { HostFiles } from './host-files.ts';
import { PNPM_WORKSPACE } from './levels.ts';
import { inPackageJson as order } from './order.ts';
import type { Place } from './place.ts';

/** What was said to the package manager. */
export interface Declined {
  /** A file that has to be written. */
  readonly file?: { readonly path: string; readonly after: Buffer };
  /** The lines that a person has to add by hand. */
  readonly hints: readonly Hint[];
  /** Whether there was nothing to say it in. */
  readonly isUnsaid: boolean;
}

const SAID: Declined = { hints: [], isUnsaid: false };
const UNSAID: Declined = { hints: [], isUnsaid: true };

/** pnpm's lists of such decisions: the first is one for and against, the others are of pnpm 10. */
const BUILDS = 'allowBuilds';
const IGNORED = 'ignoredBuiltDependencies';
const ALLOWED = 'onlyBuiltDependencies';
const OF_NPM = 'allowScripts';

/** The first pnpm that fails without a decision. */
const STRICT = 11;

/**
 * Says that the install script of a package need not run. Whatever the lists have to say of that package stays.
 *
 * Rejects with a Refusal with exit code 3 if package.json can't be edited as needed.
 */
export async function declineScript(
  name: string,
  manager: PackageManager,
  place: Place,
  host: HostFiles,
): Promise<Declined> {
  if (manager === 'npm') return declineInNpm(name, place, host);
  if (manager === 'pnpm') return declineInPnpm(name, place, host);
  return UNSAID;
}

/** Whether divvy can have made an insertion in order to decline the scripts of these packages. */
export function isDecline(path: string, insertion: Insertion, names: readonly string[]): boolean {
  if (path === PNPM_WORKSPACE && 'line' in insertion)
    return names.some((name) => [...Object.values(inYaml(name)), ...newLines(name)].includes(insertion.line.trim()));
  if (path !== PACKAGE_JSON || !('at' in insertion)) return false;
  const at = insertion.at.join('.');
  return 'key' in insertion
    ? at === OF_NPM && insertion.value === false && names.includes(insertion.key)
    : 'element' in insertion && at === `pnpm.${IGNORED}` && names.includes(insertion.element);
}

/** Whether a file is what divvy writes for pnpm where there is none. */
export const isOwnWorkspaceFile = (bytes: Buffer, names: readonly string[]): boolean =>
  names.some((name) => bytes.equals(workspaceFile(name)));

const workspaceFile = (name: string): Buffer => Buffer.from(`${BUILDS}:\n  ${inYaml(name)[BUILDS]}\n`);

/** The entry of a package in each list. */
const inYaml = (name: string): Record<typeof BUILDS | typeof IGNORED, string> => ({
  [BUILDS]: `${name}: false`,
  [IGNORED]: `- ${name}`,
});

/** Each list with nothing else in it. On one line, so that nobody's entry is left without its list when it goes. */
const newLines = (name: string): string[] => [`${BUILDS}: { ${name}: false }`, `${IGNORED}: [${name}]`];

/** Whether a list says something of a package, with or without its version. */
const decides = (list: unknown, name: string): boolean =>
  (Array.isArray(list) ? list : Object.keys(Object(list))).some(
    (each) => each === name || String(each).startsWith(`${name}@`),
  );

function declineInNpm(name: string, { root, levels }: Place, host: HostFiles): Declined {
  const level = levels.find(({ packageJson }) => packageJson?.has(OF_NPM));
  if (level === undefined) return UNSAID;
  const file = level.folder === root ? host.open(PACKAGE_JSON, 'json') : undefined;
  const list = file ? file.value([OF_NPM]) : jsonIn(join(level.folder, PACKAGE_JSON), OF_NPM);
  if (decides(list, name)) return SAID;
  if (file === undefined)
    return hint(shownFrom(root, level.folder, PACKAGE_JSON), `"${OF_NPM}": { ..., "${name}": false }`);
  file.putProperty([OF_NPM], name, false, { order });
  return SAID;
}

async function declineInPnpm(name: string, place: Place, host: HostFiles): Promise<Declined> {
  const { levels } = place;
  const isStrict = (await majorOfPnpm(place)) >= STRICT;
  const folder = levels.map((each) => each.folder).find((each) => stat(join(each, PNPM_WORKSPACE)) !== undefined);
  if (folder !== undefined) {
    const declined = await declineInYaml(name, isStrict, folder, place, host);
    if (declined !== undefined) return declined;
  }
  if (isStrict)
    return folder === undefined ? { ...SAID, file: { path: PNPM_WORKSPACE, after: workspaceFile(name) } } : UNSAID;
  const file = host.open(PACKAGE_JSON, 'json');
  const lists = [IGNORED, ALLOWED].map((each) => file?.value(['pnpm', each])).filter((list) => list !== undefined);
  if (lists.length === 0) return UNSAID;
  if (!lists.some((list) => decides(list, name))) file?.putElement(['pnpm', IGNORED], name);
  return SAID;
}

/** Undefined if the file has no such list, and need not have one. */
async function declineInYaml(
  name: string,
  isStrict: boolean,
  folder: string,
  { root }: Place,
  host: HostFiles,
): Promise<Declined | undefined> {
  const { parseYaml } = await import('../json/yaml.ts');
  const file = join(folder, PNPM_WORKSPACE);
  const text = readFileSync(file, 'utf8');
  const settings = settingsIn(text, parseYaml);
  const has = (list: string): boolean => settings?.[list] !== undefined;
  const list = isStrict || has(BUILDS) ? BUILDS : has(IGNORED) || has(ALLOWED) ? IGNORED : undefined;
  if (list === undefined) return undefined;
  const lists = list === BUILDS ? [BUILDS] : [IGNORED, ALLOWED];
  if (settings && lists.some((each) => decides(settings[each], name))) return SAID;
  const shown = shownFrom(root, folder, PNPM_WORKSPACE);
  const [line, above] = lineFor(text, list, name, has(list));
  const byHand = hint(shown, has(list) ? `${list}: ..., ${inYaml(name)[list]}` : line);
  if (settings === undefined || folder !== root || isLink(file)) return byHand;
  // The file may be written in a way that divvy does not expect: then it is left alone.
  const wanted = { ...settings, [list]: withEntry(settings[list], list, name) };
  if (!isDeepStrictEqual(settingsIn(withLine(text, line, above), parseYaml), wanted)) return byHand;
  host.open(PNPM_WORKSPACE, 'lines')?.putLine(line, above);
  return SAID;
}

type Settings = { readonly [name: string]: unknown };

/** Undefined if the text is not YAML, or no map. */
function settingsIn(text: string, parseYaml: (text: string) => unknown): Settings | undefined {
  try {
    const value = parseYaml(text) ?? {};
    return typeof value === 'object' && !Array.isArray(value) ? (value as Settings) : undefined;
  } catch {
    return undefined;
  }
}

/** A list as it is read with the package in it; everything that is no list or map is read as text. */
const withEntry = (there: unknown, list: string, name: string): unknown =>
  list === BUILDS ? { ...Object(there), [name]: 'false' } : [...(Array.isArray(there) ? there : []), name];

/** The line to add, and how many lines are above it: at the end of the list, or a list of its own at the end of the file. */
function lineFor(
  text: string,
  list: typeof BUILDS | typeof IGNORED,
  name: string,
  isThere: boolean,
): readonly [line: string, above: number] {
  const lines = text.split(/\r?\n/);
  const first = isThere ? lines.findIndex((line) => new RegExp(`^${list}:\\s*(#.*)?$`).test(line)) + 1 : 0;
  if (first === 0) {
    const line = newLines(name).find((each) => each.startsWith(list)) ?? '';
    return [line, text.endsWith('\n') ? lines.length - 1 : lines.length];
  }
  const [indent = ''] = /^\s*/.exec(lines[first] ?? '') ?? [];
  const length = lines.slice(first).findIndex((line) => !(/^\s+\S/.test(line) || /^- /.test(line)));
  return [`${indent}${inYaml(name)[list]}`, length < 0 ? lines.length : first + length];
}

/** The version that the repository names, or that is installed; if there is none, that of today. */
async function majorOfPnpm({ root, levels }: Place): Promise<number> {
  const named = levels.flatMap(({ packageJson }) => packageJson?.text('packageManager') ?? []);
  const [, pinned] = /^pnpm@(\d+)/.exec(named[0] ?? '') ?? [];
  if (pinned !== undefined) return Number(pinned);
  const asked = await runTool('pnpm', ['--version'], { cwd: root });
  const [said] = /^\d+/.exec(asked.output) ?? [];
  return said === undefined ? Number.POSITIVE_INFINITY : Number(said);
}

const hint = (file: string, line: string): Declined => ({ hints: [{ file, line }], isUnsaid: false });

const shownFrom = (root: string, folder: string, name: string): string =>
  relative(root, join(folder, name)).replaceAll('\\', '/');

const jsonIn = (file: string, name: string): unknown => (parseJson(readFileSync(file)) as Settings)[name];
