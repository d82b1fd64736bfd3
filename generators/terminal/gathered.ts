/** Refusals that a command has met one after the other, told at once: a person then puts all of them right in one go. */

import { Refusal } from './refusal.ts';

export class Gathered {
  readonly #refusals: Refusal[] = [];

  /** Does something; where that is refused, what comes after it is still tried. Returns undefined then. */
  attempt<Result>(act: () => Result): Result | undefined {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refusals.push(error);
      return undefined;
    }
  }

  /** Throws a Refusal where anything was refused: with the exit code of the first, every reason, and each remedy once. */
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
