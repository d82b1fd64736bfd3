/**
 * yeoman-environment, and the three parts of it that divvy uses: its run loop, which takes the steps of a command
 * through named stages; its in-memory tree; and its adapter, which asks questions.
 *
 * Its own commit, conflict and install stages never do anything here: when they fail, they leave half a tree behind.
 * The change set writes instead. The environment looks up no generator, and reads neither .yo-rc.json nor .yo-resolve.
 */

import { EventEmitter } from 'node:events';
import type { BaseEnvironment, BaseGenerator } from '@yeoman/types';
import type { Store } from 'mem-fs';
import { EnvironmentBase } from 'yeoman-environment';
import type { Call } from '../terminal/command.ts';
import {
  type ChoiceQuestion,
  type ManyQuestion,
  Prompts,
  type Question,
  type SecretQuestion,
  type TextQuestion,
} from '../terminal/prompts.ts';
import type { Wanted } from './survey.ts';

/** The stages of a command, in the order in which they run. */
export interface Stages {
  /** Looks at the disk. */
  readonly initializing?: readonly Step[];
  /** Completes the answers, by asking if there is a terminal. */
  readonly prompting?: readonly Step[];
  /** Puts files into the in-memory tree. */
  readonly writing?: readonly Step[];
  /** Checks the tree against the disk, and writes it. */
  readonly conflicts?: readonly Step[];
  /** Runs after the write. */
  readonly end?: readonly Step[];
}

type Step = (workshop: Workshop) => void | Promise<void>;

/** What the environment offers to a step. */
export interface Workshop {
  /** Asks on the terminal. Rejects with a Refusal with exit code 1 if the person cancels. */
  ask(question: TextQuestion | SecretQuestion | ChoiceQuestion): Promise<string>;
  ask(question: ManyQuestion): Promise<string[]>;
  /**
   * Puts a file into the tree; it replaces an earlier file of the same path. `from` are the bytes that it was made
   * from, `mode` its permission bits if they are not the usual ones.
   */
  put(path: string, after: Buffer | string, from?: Buffer, mode?: number): void;
  /** All files of the tree. */
  files(): readonly Wanted[];
}

/**
 * Runs the steps of a command, one after another, stage by stage.
 *
 * title - the heading above the first question, if there is one.
 * folder - where the command works; it need not exist.
 *
 * Rejects with the error of the first step that fails; no later step runs.
 */
export async function runStages(title: string, folder: string, stages: Stages): Promise<void> {
  const environment = new EnvironmentBase({ cwd: folder, adapter: new Prompts(title), skipInstall: true });
  await environment.runGenerator(new StagedCommand(environment, stages));
}

/**
 * Asks for the one word that a command lacks. Returns the call with that word, as if the person had typed it.
 *
 * Rejects with a Refusal with exit code 1 if the person cancels.
 */
export async function withWord(call: Call, title: string, question: TextQuestion | ChoiceQuestion): Promise<Call> {
  const words: string[] = [];
  await runStages(title, call.cwd, { prompting: [async ({ ask }) => void words.push(await ask(question))] });
  return { ...call, words, argv: [...call.argv, ...words] };
}

/**
 * The environment needs no more of a generator than this, so yeoman-generator's base class is not needed. `features`
 * removes the environment's commit and install stages.
 */
class StagedCommand extends EventEmitter implements BaseGenerator {
  readonly features = { uniqueBy: 'divvy', customCommitTask: true, customInstallTask: true };
  readonly options: BaseGenerator['options'];
  readonly env: BaseEnvironment;
  readonly #environment: EnvironmentBase;
  readonly #stages: Stages;

  constructor(environment: EnvironmentBase, stages: Stages) {
    super();
    this.#environment = environment;
    this.#stages = stages;
    // The environment's class and the type that describes it differ under exactOptionalPropertyTypes.
    this.env = environment as unknown as BaseEnvironment;
    this.options = { namespace: 'divvy', resolved: import.meta.url, env: this.env, help: undefined };
  }

  destinationRoot(): string {
    return this.#environment.cwd;
  }

  async queueTasks(): Promise<void> {
    const workshop = lend(this.#environment);
    for (const [stage, steps] of Object.entries(this.#stages) as [keyof Stages, readonly Step[]][]) {
      for (const step of steps) this.#environment.queueTask(stage, async () => step(workshop));
    }
  }
}

function lend(environment: EnvironmentBase): Workshop {
  // The tree holds only the files that are put into it; this code never loads a file from the disk or commits one with
  // it.
  const tree = environment.sharedFs as unknown as Store<Wanted>;
  const ask = async (question: Question) => {
    const answers = await environment.adapter.prompt({ ...question, name: 'answer' } as never);
    return (answers as { answer: string | string[] }).answer;
  };
  return {
    ask: ask as Workshop['ask'],
    put: (path, after, from, mode) => {
      tree.add({ path, after: typeof after === 'string' ? Buffer.from(after) : after, from, mode });
    },
    files: () => tree.all(),
  };
}
