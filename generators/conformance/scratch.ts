/** The private folder in which the cases run: the runtime, the tasks, and a folder for each case. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { filesBelow, read } from '../package.ts';
import { endAllOf } from './program.ts';
import { strip } from './stripped.ts';

/** The longest path for which a socket below it still has a path that the system takes, in bytes. */
const LONGEST = 66;
const NAME = 'divvy-XXXXXX';

export class Scratch {
  readonly folder: string;
  #cases = 0;
  /** What makes Node.js load the runtime faster. */
  #faster: Readonly<Record<string, string>> = {};

  /** runtime - every file of the runtime, by its path relative to its folder. Throws RangeError if one is not in it. */
  constructor(runtime: ReadonlyMap<string, Buffer>) {
    const parent = join(tmpdir(), NAME).length > LONGEST ? '/tmp' : tmpdir();
    this.folder = mkdtempSync(join(parent, NAME.replace('XXXXXX', ''))); // mode 0700
    try {
      this.#fill(runtime);
    } catch (error) {
      rmSync(this.folder, { recursive: true, force: true });
      throw error;
    }
  }

  #fill(runtime: ReadonlyMap<string, Buffer>): void {
    this.#write('', new Map([['package.json', Buffer.from(PACKAGE)]]));
    this.#write('runtime', runtime);
    this.#write('tasks', new Map(filesBelow('conformance').map((path) => [path, read(`conformance/${path}`)])));
  }

  /** From now on programs load faster. */
  async strip(): Promise<void> {
    this.#faster = await strip(this.folder);
  }

  /** Makes the folder of one more case: a project of its own, so that no run minds another. */
  folderOfCase(): string {
    this.#cases += 1;
    const name = String(this.#cases);
    this.#write(name, new Map([['divvy.json', Buffer.from('{}\n')]]));
    // A link: Node.js compiles each task once, and the runtime takes it for a task of this project.
    symlinkSync('../tasks', join(this.folder, name, 'tasks'));
    return join(this.folder, name);
  }

  /** Kills what is left of all cases, and removes everything. */
  async remove(): Promise<void> {
    await endAllOf(this.folder);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What a program of a case may know of the environment: nothing that changes what it does. */
  environmentOf(folder: string): NodeJS.ProcessEnv {
    const kept = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'].filter((name) => process.env[name] !== undefined);
    return {
      ...Object.fromEntries(kept.map((name) => [name, process.env[name]])),
      ...this.#faster,
      HOME: this.folder,
      // Where Node.js keeps its cache of compiled code.
      TMPDIR: this.folder,
      // Where the runtime makes the folder of its socket.
      XDG_RUNTIME_DIR: folder,
    };
  }

  #write(below: string, files: ReadonlyMap<string, Buffer>): void {
    for (const [path, bytes] of files) {
      const file = join(this.folder, below, path);
      if (!file.startsWith(join(this.folder, below, sep))) throw new RangeError(`not a file of the runtime: ${path}`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
  }
}

const PACKAGE = `${JSON.stringify({ type: 'module', imports: { '#divvy': './runtime/index.ts' } })}\n`;
