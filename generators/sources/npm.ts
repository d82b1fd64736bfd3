/**
 * An npm package as a source. npm fetches it with the person's own settings, so that private registries and their
 * tokens work; npm also compares the bytes with the registry's hash. divvy itself reads the package, and installs and
 * runs nothing of it.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { type BoundedResult, runBounded } from '../programs/processes.ts';
import { commandLine } from '../programs/shell.ts';
import { readArchive } from './archive.ts';
import { brokenArchive, otherRegistry, sourceNotFetched, sourceTooLarge } from './errors.ts';
import { integrityOf, LIMITS, type SourceFile } from './gathering.ts';
import { type IgnoredLine, ignoredLineFor, isSameRegistry, scopeOf } from './npmrc.ts';
import { inPrivateFolder } from './private-folder.ts';
import { type NpmSource, withoutSecrets } from './source.ts';

const MOST_SAID = 1024 * 1024;

/**
 * Fetches a package.
 *
 * cwd - where the source was written. divvy ignores an .npmrc (or a similar file) there. But if that file names a
 * registry, divvy asks no other one, unless the person's own settings name it.
 *
 * Resolves with the exact version too. Rejects with a Refusal: with exit code 1 if divvy cannot get the package, with 3
 * if its bytes do not match the registry's hash, and like readArchive.
 */
export async function readPackage(
  source: NpmSource,
  cwd: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ resolved: string; version: string; files: readonly SourceFile[] }> {
  return inPrivateFolder(async ({ path, isTooLarge }) => {
    const packed = join(path, 'packed');
    mkdirSync(packed);
    // npm looks for a project from its folder upwards: this makes the folder a project, so that an .npmrc above it has
    // no effect.
    mkdirSync(join(path, 'node_modules'));
    const limits = { mostBytes: MOST_SAID, seconds: LIMITS.fetchedSeconds, signal: isTooLarge };
    const npm = (argv: readonly string[]) => runBounded('npm', argv, { cwd: path, environment, ...limits });
    const ignored = ignoredLineFor(source.name, cwd, environment);
    if (ignored !== undefined) await refuseOtherRegistry(source, ignored, npm);
    const argv = [
      'pack',
      '--ignore-scripts',
      // A registry could name a git repository instead of an archive, and npm would install it: give npm a git program
      // that does not exist.
      ...['--git', join(path, 'no-git')],
      // Use nothing from earlier runs; npm's logs go away with this folder too.
      ...['--cache', join(path, 'cache')],
      ...['--pack-destination', packed],
      // The npm that started this command may have left these settings.
      ...['--dry-run=false', '--workspaces=false'],
      // npm tries again if the bytes are wrong, and would wait for minutes in between.
      ...['--fetch-retry-mintimeout=200', '--fetch-retry-maxtimeout=1000'],
      ...['--', `${source.name}@${source.version}`],
    ];
    const result = await npm(argv);
    if (!result.done) throw notFetched(source, result);
    const [file = ''] = readdirSync(packed);
    const archive = join(packed, file);
    if (!stat(archive)?.isFile()) throw sourceNotFetched(source.shown, 'npm has left nothing', 'Try again.');
    if ((stat(archive)?.size ?? 0) > LIMITS.archiveBytes) {
      throw sourceTooLarge(source.shown, `its archive is larger than ${LIMITS.archiveBytes} bytes`);
    }
    const bytes = readFileSync(archive);
    const version = versionIn(file, source);
    return { resolved: integrityOf(bytes), version, files: await readArchive(bytes, source.shown) };
  });
}

const NOT_READ = "A project's .npmrc is not read for templates.";

/** npm makes the file's name from the registry's data: `@acme/templates` 1.2.3 is in acme-templates-1.2.3.tgz. */
function versionIn(file: string, { name, version }: NpmSource): string {
  const before = `${name.replace('@', '').replace('/', '-')}-`;
  return file.startsWith(before) ? file.slice(before.length, -'.tgz'.length) : version;
}

/**
 * Asks npm for the person's own settings. If they name the same registry, or one for the scope, then the person has
 * decided.
 */
async function refuseOtherRegistry(
  { name, shown }: NpmSource,
  ignored: IgnoredLine,
  npm: (argv: readonly string[]) => Promise<BoundedResult>,
): Promise<void> {
  const scope = scopeOf(name);
  for (const key of [...(scope === undefined ? [] : [`${scope}:registry`]), 'registry']) {
    const asked = await npm(['config', 'get', key]);
    if (!asked.done) return; // If npm does not work, fetching the package will report that.
    const registry = asked.output.toString('utf8').trim();
    if (registry === '' || registry === 'undefined') continue;
    if (key !== 'registry' || isSameRegistry(registry, ignored.registry)) return;
    const told = { registry: withoutSecrets(ignored.registry), says: withoutSecrets(ignored.says) };
    throw otherRegistry(shown, { ...ignored, ...told }, withoutSecrets(registry));
  }
}

function notFetched({ name, version, shown }: NpmSource, result: BoundedResult & { done: false }) {
  if (result.isTooMuch) return sourceTooLarge(shown, 'there is more to fetch than templates can need');
  const said = withoutSecrets(result.said)
    .split('\n')
    .flatMap((line) => /^npm (?:error|ERR!) (.*\S)/.exec(line)?.[1] ?? [])
    .filter((line) => !/log of this run|debug-\d|^code E/.test(line));
  const code = /^npm (?:error|ERR!) code (\w+)/m.exec(result.said)?.[1];
  const reason = [code, said[0]].filter(Boolean).join(': ') || result.reason;
  if (code === 'EINTEGRITY') return brokenArchive(shown, 'its bytes are not those that the registry speaks of');
  if (code === 'E401' || code === 'E403' || code === 'ENEEDAUTH') {
    const remedy = `The registry wants to know who asks: npm login, or a token in your own .npmrc. ${NOT_READ}`;
    return sourceNotFetched(shown, reason, remedy);
  }
  if (code === 'E404') {
    const scope = scopeOf(name);
    const wanted = scope === undefined ? 'registry' : `${scope}:registry`;
    const remedy = `If another registry has it, say so for yourself: npm config set ${wanted}=https://… --location=user. ${NOT_READ}`;
    return sourceNotFetched(shown, reason, remedy);
  }
  return sourceNotFetched(shown, reason, `Look what npm says: ${commandLine(['npm', 'view', `${name}@${version}`])}`);
}
