/** The environment's adapter: questions on the terminal, by @clack/prompts. Loaded only when something is asked. */

import type { InputOutputAdapter, ProgressCallback, PromptAnswers, PromptQuestions } from '@yeoman/types';
import { cancelled } from './errors.ts';

interface Choice {
  readonly value: string;
  /** One line beside it. */
  readonly hint: string;
}

export interface TextQuestion {
  readonly type: 'input';
  readonly message: string;
  readonly default: string;
  /** Why an answer cannot be taken; undefined where it can. */
  readonly whyNot: (answer: string) => string | undefined;
}

/** What is typed is not shown. */
export interface SecretQuestion {
  readonly type: 'password';
  readonly message: string;
  readonly whyNot: (answer: string) => string | undefined;
}

export interface ChoiceQuestion {
  readonly type: 'select';
  readonly message: string;
  readonly choices: readonly Choice[];
}

export interface ManyQuestion {
  readonly type: 'checkbox';
  readonly message: string;
  readonly choices: readonly Choice[];
}

export type Question = TextQuestion | SecretQuestion | ChoiceQuestion | ManyQuestion;

/** What the environment needs of an adapter. Its log is silent: the commands speak for themselves. */
export class Prompts implements InputOutputAdapter {
  readonly log = silentLog();
  readonly #controller = new AbortController();
  readonly #title: string;
  #hasAsked = false;

  /** title - what stands above the first question. */
  constructor(title: string) {
    this.#title = title;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends whatever is asked, and makes the environment reject with the reason. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  close(): void {
    this.abort();
  }

  /** Called by the environment where it tells of its own progress, which is not shown. */
  async progress<Result>(callback: ProgressCallback<Result>): Promise<Result> {
    return callback({ step: () => {} });
  }

  /** Asks each question in turn. Rejects with a Refusal where the person cancels. */
  async prompt<Answers extends PromptAnswers = PromptAnswers>(questions: PromptQuestions<Answers>): Promise<Answers> {
    if (!this.#hasAsked) (await import('@clack/prompts')).intro(this.#title);
    this.#hasAsked = true;
    const answers: { [name: string]: string | string[] } = {};
    // Only runStages asks here, and only what has the shape of a Question with a name.
    for (const question of [questions].flat() as unknown as (Question & { name: string })[]) {
      answers[question.name] = await ask(question, this.signal);
    }
    return answers as Answers;
  }
}

async function ask(question: Question, aborted: AbortSignal): Promise<string | string[]> {
  // After Ctrl+D nothing is read any more: this process would end in the middle of the question, and with exit code 0.
  const unanswered = new AbortController();
  const end = () => unanswered.abort();
  process.once('beforeExit', end);
  try {
    for (;;) {
      const stop = new Stop();
      try {
        const answer = await answerTo(question, AbortSignal.any([aborted, unanswered.signal, stop.isOver]));
        if (answer !== undefined) return answer;
        if (!stop.isOver.aborted || aborted.aborted) throw cancelled();
      } finally {
        stop.unlisten();
      }
    }
  } finally {
    process.off('beforeExit', end);
  }
}

/** How long a stop may take to come, in milliseconds. */
const STOP_COMES = 100;

/**
 * Ctrl+Z while a question is open. The terminal is the shell's again while this process is stopped; afterwards the question
 * is asked anew, since readline reads no more then, and the screen shows something else.
 */
class Stop {
  readonly #over = new AbortController();

  constructor() {
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#goOn);
  }

  /** Aborted when this process goes on. */
  get isOver(): AbortSignal {
    return this.#over.signal;
  }

  unlisten(): void {
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#goOn);
  }

  /** readline stops this process alone; npm, which waits for it, would keep the terminal. So all that is in front stops. */
  readonly #stop = (): void => {
    process.off('SIGTSTP', this.#stop);
    process.stdin.setRawMode(false);
    process.stdout.write(SHOW_CURSOR);
    process.kill(0, 'SIGTSTP');
    // Where no shell could have it go on, the system stops nothing.
    setTimeout(this.#goOn, STOP_COMES);
  };

  /** Not before readline has heard of it too: it pauses what is read. */
  readonly #goOn = (): void => {
    setImmediate(() => this.#over.abort());
  };
}

const SHOW_CURSOR = '\u001b[?25h';

/** Resolves with undefined where the person cancels, or the signal says so. */
async function answerTo(question: Question, signal: AbortSignal): Promise<string | string[] | undefined> {
  const { isCancel, multiselect, password, select, text } = await import('@clack/prompts');
  const { message } = question;
  const answer = await (() => {
    if (question.type === 'password') {
      return password({ message, validate: (value = '') => question.whyNot(value), signal });
    }
    if (question.type === 'input') {
      const { default: initial, whyNot } = question;
      const validate = (value: string | undefined) => whyNot(value === undefined || value === '' ? initial : value);
      return text({ message, placeholder: initial, defaultValue: initial, validate, signal });
    }
    const options = question.choices.map(({ value, hint }) => ({ value, label: value, hint }));
    if (question.type === 'select') return select({ message, options, signal });
    return multiselect({ message, options, required: false, signal });
  })();
  return isCancel(answer) ? undefined : answer;
}

/** A logger every method of which does nothing and returns the logger. */
function silentLog(): InputOutputAdapter['log'] {
  const log: unknown = new Proxy(() => log, { get: () => log });
  return log as InputOutputAdapter['log'];
}
