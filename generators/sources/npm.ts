/**
 * A package as a source. npm fetches it, by the person's own settings, so that private registries and their tokens work;
 * it checks what the registry says of the bytes. What is in it is read by us, and nothing of it is installed or run.
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
 * cwd - where the source was written: what a .npmrc or its like there says is not obeyed, but nothing is asked of another registry than
 *       it names, unless the person's own settings do.
 *
 * Resolves also with its exact version. Rejects with a Refusal: with exit code 1 where it cannot be had, 3 where its
 * bytes are not those that the registry speaks of, and as readArchive does.
 */
export async function readPackage(
  source: NpmSource,
  cwd: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ resolved: string; version: string; files: readonly SourceFile[] }> {
  return inPrivateFolder(async ({ path, isTooLarge }) => {
    const packed = join(path, 'packed');
    mkdirSync(packed);
    // npm looks for a project from where it runs upwards: this is one, so that a .npmrc above it means nothing.
    mkdirSync(join(path, 'node_modules'));
    const limits = { mostBytes: MOST_SAID, seconds: LIMITS.fetchedSeconds, signal: isTooLarge };
    const npm = (argv: readonly string[]) => runBounded('npm', argv, { cwd: path, environment, ...limits });
    const ignored = ignoredLineFor(source.name, cwd, environment);
    if (ignored !== undefined) await refuseOtherRegistry(source, ignored, npm);
    const argv = [
      'pack',
      '--ignore-scripts',
      // A registry could name a repository in place of an archive, which would be installed: there is no such program.
      ...['--git', join(path, 'no-git')],
      // Nothing is taken from an earlier time, and what npm logs goes as well.
      ...['--cache', join(path, 'cache')],
      ...['--pack-destination', packed],
      // Settings that the npm may have left which started this command.
      ...['--dry-run=false', '--workspaces=false'],
      // It asks again where bytes are not as they should be, and would wait for minutes in between.
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

/** The name of the file is made of what the registry says: `@acme/templates` 1.2.3 is in acme-templates-1.2.3.tgz. */
function versionIn(file: string, { name, version }: NpmSource): string {
  const before = `${name.replace('@', '').replace('/', '-')}-`;
  return file.startsWith(before) ? file.slice(before.length, -'.tgz'.length) : version;
}

/** By the person's own settings, which may know the registry too, or name one for the scope: then they have decided. */
async function refuseOtherRegistry(
  { name, shown }: NpmSource,
  ignored: IgnoredLine,
  npm: (argv: readonly string[]) => Promise<BoundedResult>,
): Promise<void> {
  const scope = scopeOf(name);
  for (const key of [...(scope === undefined ? [] : [`${scope}:registry`]), 'registry']) {
    const asked = await npm(['config', 'get', key]);
    if (!asked.done) return; // Without npm nothing is fetched: what fetches says so.
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
