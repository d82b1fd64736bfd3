/**
 * A git repository as a source. git's own commands read its tree and never check it out, so none of its hooks, filters,
 * submodules or links ever takes effect.
 */

import { join } from 'node:path';
import { type BoundedResult, runBounded } from '../programs/processes.ts';
import { commandLine } from '../programs/shell.ts';
import { badRef, nothingWithin, sourceNotFetched, sourceTooLarge } from './errors.ts';
import { Gathering, LIMITS, type SourceFile } from './gathering.ts';
import { isUsedIn } from './parts.ts';
import { inPrivateFolder, type PrivateFolder } from './private-folder.ts';
import { type Credentials, type GitSource, withoutSecrets } from './source.ts';

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** What git does not allow in the name of a ref, and what has a special meaning in the name of a commit. */
const NO_REF = /^[-./]|[./]$|\.lock(?:\/|$)|\.\.|\/\/|\/\.|@\{|^@$|[\s~^:?*[\\\p{Control}\p{Format}]|\p{Surrogate}/u;
const LONGEST_REF = 250;
/**
 * Variables that name another repository, as a git hook sets them; those that print network traffic; and the one that
 * changes the format of a new repository.
 */
const NOT_OURS =
  /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|\w*OBJECT_DIRECTOR\w+|NAMESPACE|QUARANTINE_PATH|GRAFT_FILE|SHALLOW_FILE|\w*REPLACE_REF\w+|TRACE\w*|CURL_VERBOSE|DEFAULT_HASH)$/;
/** The most bytes of git's output about a tree: enough for LIMITS.entries with paths of a usual length. */
const MOST_SAID = 4 * 1024 * 1024;

interface Repository {
  readonly folder: PrivateFolder;
  readonly source: GitSource;
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Fetches one commit and reads its tree.
 *
 * ref - a branch, a tag or a whole commit id; without it, the repository's default branch.
 *
 * Rejects with a Refusal: with exit code 2 for a ref that is invalid or does not exist, with 1 if divvy cannot get the
 * repository, with 3 for a link or a submodule, and like Gathering.
 */
export async function readRepository(
  source: GitSource,
  ref: string | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<{ resolved: string; files: readonly SourceFile[] }> {
  const reason = ref === undefined ? undefined : whyNotRef(ref);
  if (ref !== undefined && reason !== undefined) throw badRef(ref, reason);
  return inPrivateFolder(async (folder) => {
    const repository = { folder, source, environment: environmentFor(source, environment) };
    await must(repository, ['init', '--bare', '--quiet', '--template=']);
    const resolved = await fetchCommit(repository, ref);
    return { resolved, files: await readTree(repository, resolved) };
  });
}

function whyNotRef(ref: string): string | undefined {
  if (ref === '' || ref.length > LONGEST_REF) return `it has to have 1 to ${LONGEST_REF} characters`;
  return NO_REF.test(ref) ? 'this cannot be the name of a branch or a tag' : undefined;
}

/** Fetches the wanted commit, and nothing else if possible. Resolves with its commit id. */
async function fetchCommit(repository: Repository, ref: string | undefined): Promise<string> {
  const wanted = 'refs/divvy/wanted';
  if (ref !== undefined && COMMIT.test(ref)) {
    const alone = await fetch(repository, ['--depth=1'], [`${ref}:${wanted}`]);
    if (alone.done) return commitOf(repository, wanted);
    // Not every server gives out a commit by its id: then fetch all branches and tags, and look for it there.
    const all = await fetch(repository, [], ['refs/heads/*:refs/divvy/heads/*', 'refs/tags/*:refs/divvy/tags/*']);
    if (!all.done) throw notFetched(repository, all);
    const found = await git(repository, ['cat-file', '-e', `${ref}^{commit}`]);
    if (!found.done) throw badRef(ref, 'no branch and no tag has this commit');
    return commitOf(repository, ref);
  }
  const full = ref === undefined ? 'HEAD' : await fullRef(repository, ref);
  const result = await fetch(repository, ['--depth=1'], [`${full}:${wanted}`]);
  if (!result.done) throw notFetched(repository, result);
  return commitOf(repository, wanted);
}

/** Fetches trees but no files: from a large repository, divvy then fetches only the files that a template uses. */
const WITHOUT_FILES = '--filter=blob:none';

/** input - the text that git reads with `--stdin`. */
const fetch = (
  repository: Repository,
  options: readonly string[],
  refs: readonly string[],
  input?: string,
): Promise<BoundedResult> => {
  const argv = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', WITHOUT_FILES, ...options];
  return git(repository, [...argv, '--', repository.source.url, ...refs], input);
};

/** A branch or a tag by its full name, so that git has nothing to guess. */
async function fullRef(repository: Repository, ref: string): Promise<string> {
  const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
  const listed = await must(repository, ['ls-remote', '--quiet', '--', repository.source.url, ...names]);
  const there = listed.toString('utf8').split('\n');
  const found = names.filter((name) => there.some((line) => line.split('\t')[1] === name));
  const [first, second] = found;
  if (first === undefined) throw badRef(ref, 'there is no such branch or tag');
  if (second !== undefined) throw badRef(ref, `it is a branch and a tag: write ${first} or ${second}`);
  return first;
}

async function commitOf(repository: Repository, ref: string): Promise<string> {
  const argv = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
  return (await must(repository, argv)).toString('utf8').trim();
}

interface Blob {
  readonly path: string;
  readonly id: string;
  readonly mode: string;
}

/** Reads the files of a commit in the chosen folder; files that no template uses are left out. */
async function readTree(repository: Repository, commit: string): Promise<readonly SourceFile[]> {
  const { shown, within } = repository.source;
  const argv = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}:${within}`];
  const found = await git(repository, argv);
  const tree = found.done ? found.output.toString('utf8').trim() : '';
  const listed = found.done && (await git(repository, ['ls-tree', '-r', '-z', tree]));
  if (!listed || (!listed.done && !listed.isTooMuch)) throw nothingWithin(shown, within, true);
  if (!listed.done) {
    const remedy = 'Behind a # is the folder that is meant. Nothing of it is used.';
    throw sourceTooLarge(shown, `it has more than ${LIMITS.entries} files and folders`, remedy);
  }

  const entries = [...linesOf(listed.output)].map((line): Blob => {
    const [, mode = '', id = '', path = ''] = /^(\d+) \w+ (\w+)\t(.*)$/su.exec(line) ?? [];
    return { path, id, mode };
  });
  const isUsed = isUsedIn(entries.map(({ path }) => path));
  const blobs = entries.filter(({ path, mode }) => mode.startsWith('100') && isUsed(path));
  await fetchMissing(repository, tree, blobs);
  const sizes = await sizesOf(repository, blobs);

  const gathering = new Gathering(shown);
  const kept = entries.filter((entry) => {
    const { path, mode } = entry;
    if (!mode.startsWith('100')) gathering.setAside(path, KINDS[mode] ?? `it is of the kind ${mode}`);
    else return gathering.announce(path, sizes.get(entry) ?? 0) && sizes.has(entry);
    return false;
  });
  const input = kept.map(({ id }) => `${id}\n`).join('');
  const output = await must(repository, ['cat-file', '--batch', '--buffer'], input);
  let at = 0;
  for (const blob of kept) {
    const { path, id, mode } = blob;
    const size = sizes.get(blob) ?? 0;
    const start = output.indexOf('\n', at) + 1;
    if (output.toString('latin1', at, start) !== `${id} blob ${size}\n`) throw notGiven(repository, path);
    const bytes = output.subarray(start, start + size);
    if (bytes.toString('latin1', 0, LFS.length) === LFS) gathering.refuse(path, 'it is kept in Git LFS');
    gathering.keep(path, bytes, mode === '100755');
    at = start + size + 1;
  }
  return gathering.files();
}

/** Kinds of entry that no template may have. */
const KINDS: Readonly<Record<string, string>> = { '120000': 'it is a symbolic link', '160000': 'it is a submodule' };

/** Fetches the files that the server left out of the commit because of the filter; nothing if it ignored the filter. */
async function fetchMissing(repository: Repository, tree: string, blobs: readonly Blob[]): Promise<void> {
  const argv = ['rev-list', '--objects', '--no-object-names', '--missing=print', tree];
  const listed = await git(repository, argv);
  if (!listed.done) return; // The tree has more entries than allowed, or is broken; reading it will report that.
  const missing = new Set(listed.output.toString('utf8').match(/(?<=^\?)\w+$/gm));
  const ids = [...new Set(blobs.map(({ id }) => id))].filter((id) => missing.has(id));
  if (ids.length === 0) return;
  const fetched = await fetch(repository, ['--no-write-fetch-head', '--stdin'], [], `${ids.join('\n')}\n`);
  if (!fetched.done) throw notFetched(repository, fetched);
}

async function sizesOf(repository: Repository, blobs: readonly Blob[]): Promise<ReadonlyMap<Blob, number>> {
  const input = blobs.map(({ id }) => `${id}\n`).join('');
  const output = await must(repository, ['cat-file', '--batch-check', '--buffer'], input);
  const lines = output.toString('utf8').split('\n');
  return new Map(
    blobs.map((blob, index) => {
      const size = /^\w+ blob (\d+)$/.exec(lines[index] ?? '')?.[1];
      if (size === undefined) throw notGiven(repository, blob.path);
      return [blob, Number(size)];
    }),
  );
}

const notGiven = ({ source }: Repository, path: string) =>
  sourceNotFetched(source.shown, `git does not give ${path}`, 'Try again.');

/** The beginning of a git LFS pointer, a file that only says where another file is stored. */
const LFS = 'version https://git-lfs.github.com/spec/';

/** In a path that is not UTF-8, the invalid bytes become U+FFFD, which no path may contain. */
function* linesOf(output: Buffer): Generator<string> {
  for (const line of output.toString('utf8').split('\0')) if (line !== '') yield line;
}

/** Runs git; rejects with a Refusal with exit code 1 or 3 if it fails. */
async function must(repository: Repository, argv: readonly string[], input?: string): Promise<Buffer> {
  const result = await git(repository, argv, input);
  if (!result.done) throw notFetched(repository, result);
  return result.output;
}

function git({ folder, environment }: Repository, argv: readonly string[], input?: string): Promise<BoundedResult> {
  const settings = [
    // These override the person's own global settings: this repository belongs to divvy.
    `core.hooksPath=${join(folder.path, 'no-hooks')}`,
    'submodule.recurse=false',
    'init.defaultObjectFormat=sha1',
    'gc.auto=0',
    'maintenance.auto=false',
    // Otherwise git would look for files that are not here, to tell the server what it has.
    'fetch.negotiationAlgorithm=noop',
  ];
  const options = ['--git-dir', join(folder.path, 'repository'), ...settings.flatMap((setting) => ['-c', setting])];
  return runBounded('git', [...options, ...argv], {
    cwd: folder.path,
    environment,
    ...(input !== undefined && { input }),
    mostBytes: argv[0] === 'cat-file' ? LIMITS.bytes + MOST_SAID : MOST_SAID,
    seconds: LIMITS.fetchedSeconds,
    signal: folder.isTooLarge,
  });
}

/** Keeps the person's own settings, such as proxies and credential helpers. */
function environmentFor({ url, credentials }: GitSource, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(([name]) => !NOT_OURS.test(name));
  return {
    ...Object.fromEntries(own),
    // Allow no other protocol, no matter what a setting or a redirect says: `ext::` would run a command.
    GIT_ALLOW_PROTOCOL: url.startsWith('file:') ? 'file' : 'https:ssh',
    GIT_NO_LAZY_FETCH: '1',
    // git must not ask on the terminal in the middle of a command; a helper with its own window may ask.
    GIT_TERMINAL_PROMPT: '0',
    SSH_ASKPASS: environment['SSH_ASKPASS'] ?? 'false',
    SSH_ASKPASS_REQUIRE: 'force',
    ...(credentials && helperFor(url, credentials, environment)),
  };
}

/**
 * Puts the password into the environment, where other users of this machine cannot see it. The helper gives it only to
 * this host; a header would also go to a host that this one redirects to. The person's own helpers are switched off, so
 * that none of them stores the password.
 */
function helperFor(url: string, { username, password }: Credentials, environment: NodeJS.ProcessEnv) {
  const count = Number(environment['GIT_CONFIG_COUNT'] ?? 0) || 0;
  return {
    GIT_CONFIG_COUNT: String(count + 2),
    [`GIT_CONFIG_KEY_${count}`]: 'credential.helper',
    [`GIT_CONFIG_VALUE_${count}`]: '',
    [`GIT_CONFIG_KEY_${count + 1}`]: `credential.${new URL(url).origin}.helper`,
    [`GIT_CONFIG_VALUE_${count + 1}`]: HELPER,
    DIVVY_SOURCE_USERNAME: username,
    DIVVY_SOURCE_PASSWORD: password,
  };
}

/** A line of shell, as git wants it; git appends the name of the action. */
const HELPER = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$DIVVY_SOURCE_USERNAME" "$DIVVY_SOURCE_PASSWORD"; }; f`;

function notFetched({ source }: Repository, result: BoundedResult & { done: false }) {
  if (result.isTooMuch) return sourceTooLarge(source.shown, 'there is more to fetch than templates can need');
  // After an empty line git adds text that is always the same.
  const [first = ''] = withoutSecrets(result.said, source.credentials).split('\n\n');
  const said = first.replace(/^error: unable to read askpass.*\n/gm, '').trim();
  const byHand = commandLine(['git', 'ls-remote', withoutSecrets(source.url)]);
  const remedy = `Look whether git itself can: ${byHand}`;
  return sourceNotFetched(source.shown, said === '' ? result.reason : said, remedy);
}
