/**
 * The adapter of yeoman-environment: asks questions on the terminal with @clack/prompts, which is loaded only for a
 * question.
 */

import type { InputOutputAdapter, ProgressCallback, PromptAnswers, PromptQuestions } from '@yeoman/types';
import { cancelled } from './errors.ts';

interface Choice {
  readonly value: string;
  /** One line beside the choice. */
  readonly hint: string;
}

export interface TextQuestion {
  readonly type: 'input';
  readonly message: string;
  readonly default: string;
  /** Why an answer is refused; undefined if it is fine. */
  readonly whyNot: (answer: string) => string | undefined;
}

/** The terminal does not show what the person types. */
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

/** The adapter that yeoman-environment needs. Its log is silent, because the commands print their own messages. */
export class Prompts implements InputOutputAdapter {
  readonly log = silentLog();
  readonly #controller = new AbortController();
  readonly #title: string;
  #hasAsked = false;

  /** title - the heading above the first question. */
  constructor(title: string) {
    this.#title = title;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the open question, and makes the environment reject with the reason. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }

  close(): void {
    this.abort();
  }

  /** The environment calls this to show its own progress; we don't show it. */
  async progress<Result>(callback: ProgressCallback<Result>): Promise<Result> {
    return callback({ step: () => {} });
  }

  /** Asks each question in turn. Rejects with a Refusal with exit code 1 if the person cancels. */
  async prompt<Answers extends PromptAnswers = PromptAnswers>(questions: PromptQuestions<Answers>): Promise<Answers> {
    if (!this.#hasAsked) (await import('@clack/prompts')).intro(this.#title);
    this.#hasAsked = true;
    const answers: { [name: string]: string | string[] } = {};
    // Only runStages asks here, and each of its questions has the shape of a Question with a name.
    for (const question of [questions].flat() as unknown as (Question & { name: string })[]) {
      answers[question.name] = await ask(question, this.signal);
    }
    return answers as Answers;
  }
}

async function ask(question: Question, aborted: AbortSignal): Promise<string | string[]> {
  // After Ctrl+D nothing is read any more: this process would end in the middle of the question, with exit code 0.
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

/** How long SIGTSTP may take to stop this process, in milliseconds. */
const STOP_COMES = 100;

/**
 * Handles Ctrl+Z during a question. While this process is stopped, the terminal belongs to the shell. Afterwards we ask
 * the question again, because readline no longer reads and the screen shows something else.
 */
class Stop {
  readonly #over = new AbortController();

  constructor() {
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#goOn);
  }

  /** Aborted when this process continues. */
  get isOver(): AbortSignal {
    return this.#over.signal;
  }

  unlisten(): void {
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#goOn);
  }

  /**
   * readline stops only this process; npm waits for it and would keep the terminal. So stop the whole foreground group.
   */
  readonly #stop = (): void => {
    process.off('SIGTSTP', this.#stop);
    process.stdin.setRawMode(false);
    process.stdout.write(SHOW_CURSOR);
    process.kill(0, 'SIGTSTP');
    // If no shell could continue this process, the system does not stop it.
    setTimeout(this.#goOn, STOP_COMES);
  };

  /** Only after readline has handled SIGCONT too: it pauses stdin. */
  readonly #goOn = (): void => {
    setImmediate(() => this.#over.abort());
  };
}

const SHOW_CURSOR = '\u001b[?25h';

/** Resolves with undefined if the person cancels or the signal aborts. */
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

/** A logger whose methods all do nothing and return the logger. */
function silentLog(): InputOutputAdapter['log'] {
  const log: unknown = new Proxy(() => log, { get: () => log });
  return log as InputOutputAdapter['log'];
}
