import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { glob, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ItemContext, type Parallelizable, taskArguments } from '#divvy';

/** The path of a file. The worker opens it; the content itself never goes through the master. */
type Path = string;

const args = taskArguments({
  paths: { type: 'words', default: ['.'], doc: "files, folders, and quoted globs such as '*.ts'" },
});

/** Folders that tools keep their own files in: git, divvy (the journals of runs) and npm. */
const LEFT_OUT = ['.git', '.divvy', 'node_modules'];

/** Prints the SHA-256 of files as `sha256sum` does. The lines come in the order in which the files are finished. */
export default class ExampleTask implements Parallelizable<Path> {
  /**
   * Runs in the master, once. Yields the files that the task's arguments name: a file itself, of a folder everything
   * below it, of a quoted glob such as '*.ts' the files that match it. Without arguments: everything below this folder.
   * Folders named .git, .divvy or node_modules are left out, unless an argument names them.
   */
  async *dispatch(): AsyncGenerator<Path> {
    for (const path of args.paths) {
      const found = await stat(path).catch(() => undefined);
      if (found?.isDirectory()) yield* filesBelow(path);
      else if (found) yield path;
      else yield* filesMatching(path);
    }
  }

  /** Runs in a worker, for each file. It is read in pieces: a file larger than the memory is no trouble. */
  async process(path: Path, context: ItemContext): Promise<void> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash, { signal: context.signal });
    console.log(checksumLine(hash.digest('hex'), path));
  }
}

/** A line of `sha256sum`: it begins with a backslash where the name had to be escaped to stay on one line. */
export function checksumLine(digest: string, path: Path): string {
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === path ? '' : '\\'}${digest}  ${escaped}`;
}

/** Yields what `find folder -type f` lists, except what is left out: hidden files too, and no symbolic links. */
async function* filesBelow(folder: Path): AsyncGenerator<Path> {
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = await readdir(next, { withFileTypes: true }).catch(() => undefined);
    // A folder that cannot be read becomes an item that fails, with the reason, so that it is told of and counted.
    if (!entries) yield next;
    for (const entry of entries ?? []) {
      const path = next.endsWith('/') ? next + entry.name : `${next}/${entry.name}`;
      if (entry.isDirectory() && !LEFT_OUT.includes(entry.name)) folders.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}

/** Yields the files that a glob matches, leaving out the same as above. Where it matches none, the glob itself. */
async function* filesMatching(pattern: string): AsyncGenerator<Path> {
  const leftOut = LEFT_OUT.filter((name) => !pattern.split('/').includes(name));
  const exclude = (entry: Dirent) => entry.isSymbolicLink() || (entry.isDirectory() && leftOut.includes(entry.name));
  let matched = false;
  for await (const entry of glob(pattern, { withFileTypes: true, exclude })) {
    if (!entry.isFile()) continue;
    matched = true;
    const path = join(entry.parentPath, entry.name);
    yield isAbsolute(pattern) ? path : relative('.', path);
  }
  // There is no such file: as an item it fails with just that reason.
  if (!matched) yield pattern;
}
