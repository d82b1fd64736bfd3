/** Collects the refusals of a command and reports them together, so that a person can fix all of them at once. */

import { Refusal } from './refusal.ts';

export class Gathered {
  readonly #refusals: Refusal[] = [];

  /**
   * Runs `act`. If it is refused, keeps the refusal and returns undefined, so that the caller can try the next thing.
   */
  attempt<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refusals.push(error);
      return undefined;
    }
  }

  /** Throws a Refusal if anything was refused: with the exit code of the first, every reason, and each remedy once. */
  end(): void {
    const [first] = this.#refusals;
    if (first === undefined) return;
    const each = (text: (refusal: Refusal) => string) => [...new Set(this.#refusals.map(text))].join('\n');
    throw new Refusal(
      first.exitCode,
      each(({ message }) => message),
      each(({ remedy }) => remedy),
    );
  }
}
