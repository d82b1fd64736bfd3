/**
 * yeoman-environment, and all that divvy uses of it: its run loop, which takes the steps of a command through named
 * stages, its in-memory tree, and its place for an adapter that asks.
 *
 * Its own commit, conflict and install stages never do anything here: they leave half a tree behind when they fail. The
 * change set writes. No generator is looked up, and neither .yo-rc.json nor .yo-resolve is read.
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
  /** Looks at what is there. */
  readonly initializing?: readonly Step[];
  /** Settles what is not answered yet, on a terminal by asking. */
  readonly prompting?: readonly Step[];
  /** Puts files into the in-memory tree. */
  readonly writing?: readonly Step[];
  /** Checks the tree against the disk, and writes it. */
  readonly conflicts?: readonly Step[];
  /** What follows the write. */
  readonly end?: readonly Step[];
}

type Step = (workshop: Workshop) => void | Promise<void>;

/** What the environment lends to a step. */
export interface Workshop {
  /** Asks on the terminal. Rejects with a Refusal where the person cancels. */
  ask(question: TextQuestion | SecretQuestion | ChoiceQuestion): Promise<string>;
  ask(question: ManyQuestion): Promise<string[]>;
  /**
   * Puts a file into the tree; a second one of the same path takes its place. `from` are the bytes that it was made of,
   * `mode` its permission bits where they are not the usual ones.
   */
  put(path: string, after: Buffer | string, from?: Buffer, mode?: number): void;
  /** The tree. */
  files(): readonly Wanted[];
}

/**
 * Runs the steps of a command, one after another, stage by stage.
 *
 * title  - what stands above the first question, where one is asked.
 * folder - where the command works; it need not exist.
 *
 * Rejects with what the first failing step threw; no later step runs.
 */
export async function runStages(title: string, folder: string, stages: Stages): Promise<void> {
  const environment = new EnvironmentBase({ cwd: folder, adapter: new Prompts(title), skipInstall: true });
  await environment.runGenerator(new StagedCommand(environment, stages));
}

/**
 * A command whose one missing word is asked for: the same call with that word, as if it had been typed.
 *
 * Rejects with a Refusal where the person cancels.
 */
export async function withWord(call: Call, title: string, question: TextQuestion | ChoiceQuestion): Promise<Call> {
  const words: string[] = [];
  await runStages(title, call.cwd, { prompting: [async ({ ask }) => void words.push(await ask(question))] });
  return { ...call, words, argv: [...call.argv, ...words] };
}

/**
 * The environment asks no more of a generator than this, and a base class that does more is not needed.
 * `features` takes its commit and install stages out.
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
  // The tree holds what it is given; nothing here is loaded from the disk or committed by it.
  const tree = environment.sharedFs as unknown as Store<Wanted>;
  const ask = async (question: Question) => {
    const answers = await environment.adapter.prompt({ ...question, name: 'answer' } as never);
    return (answers as { answer: string | string[] }).answer;
  };
  return {
    ask: ask as Workshop['ask'],
    put: (path, after, from, mode) => {
      tree.add({ path, after: Buffer.from(after), from, mode });
    },
    files: () => tree.all(),
  };
}
