/**
 * Finds the base of a merge: a file as it was released. The lock has its sum. Any bytes with that sum are the base, so it does not
 * matter where it comes from: this package, git, or npm.
 */

import { readBefore } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { blobsOf } from '../programs/git.ts';
import { filledFor } from '../rendering/files.ts';
import { readPackage } from '../sources/npm.ts';
import type { Call } from '../terminal/command.ts';
import { Refusal } from '../terminal/refusal.ts';
import { saying } from '../terminal/waiting.ts';
import { type Home, type Owned, ownedFiles } from './owned.ts';
import { type Releases, RUNTIME } from './releases.ts';

/** How many earlier versions of a file git is asked for. */
export const MOST_VERSIONS = 500;

export class Bases {
  readonly #call: Call;
  readonly #home: Home;
  readonly #releases: Releases;
  /** The files of the release, from npm: undefined as long as nobody has asked. */
  #fetched: Promise<readonly Buffer[]> | undefined;

  constructor(call: Call, home: Home, releases: Releases) {
    this.#call = call;
    this.#home = home;
    this.#releases = releases;
  }

  /** The bytes of a file as released; undefined if they are nowhere to be found. */
  async of(owned: Owned): Promise<Buffer | undefined> {
    const there = readBefore(this.#home.root, owned.path)?.bytes;
    if (there !== undefined && sumOf(there) === owned.sum) return there;
    return (await this.#carried(owned)) ?? (await this.#fromGit(owned)) ?? this.#fromNpm(owned);
  }

  /** The same for a path in the project; undefined for a file that the lock does not have. */
  async ofPath(path: string): Promise<Buffer | undefined> {
    const owned = ownedFiles(this.#home, this.#releases).get(path);
    return owned && this.of(owned);
  }

  async #carried({ inRelease, sum }: Owned): Promise<Buffer | undefined> {
    const whole = this.#releases.contentOf(sum);
    if (whole !== undefined || inRelease.startsWith(RUNTIME)) return whole;
    for (const { files } of this.#releases.all) {
      const filled = await this.filled(inRelease, files[inRelease]);
      if (filled !== undefined && sumOf(filled) === sum) return filled;
    }
    return undefined;
  }

  /**
   * A file of a release as this project gets it. `sum` is its sum in the release; undefined gives undefined.
   */
  async filled(inRelease: string, sum: string | undefined): Promise<Buffer | undefined> {
    const bytes = sum === undefined ? undefined : this.#releases.contentOf(sum);
    const { lock, manifest } = this.#home;
    if (bytes === undefined || inRelease.startsWith(RUNTIME) || lock.made === undefined) return bytes;
    return (await filledFor({ path: inRelease, bytes }, lock.made, manifest.runtime)).bytes;
  }

  async #fromGit({ path, sum }: Owned): Promise<Buffer | undefined> {
    for await (const blob of blobsOf(this.#home.root, path, MOST_VERSIONS)) if (sumOf(blob) === sum) return blob;
    return undefined;
  }

  async #fromNpm({ sum }: Owned): Promise<Buffer | undefined> {
    this.#fetched ??= this.#fetch();
    return (await this.#fetched).find((bytes) => sumOf(bytes) === sum);
  }

  async #fetch(): Promise<readonly Buffer[]> {
    const { runtime } = this.#home.lock;
    if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(runtime)) return [];
    const shown = `npm:create-divvy-task@${runtime}`;
    const { cwd, environment, terminal } = this.#call;
    const source = { kind: 'npm', name: 'create-divvy-task', version: runtime, shown, within: '' } as const;
    try {
      const text = `Still fetching ${shown}, which has what the runtime was before it was edited: waiting for npm.`;
      const { files } = await saying(terminal.note, text, () => readPackage(source, cwd, environment));
      return files.map(({ bytes }) => bytes);
    } catch (error) {
      // There is no network, or the release was never published. Then there is no base, and the report says so for each file.
      if (error instanceof Refusal) return [];
      throw error;
    }
  }
}
