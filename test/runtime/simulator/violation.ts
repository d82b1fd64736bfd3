/** A rule was broken. */
export class Violation extends Error {}

export function ensure(holds: boolean, otherwise: string): void {
  if (!holds) throw new Violation(otherwise);
}

export function same<T>(what: string, is: T, shouldBe: T): void {
  if (is !== shouldBe) throw new Violation(`${what}: ${is}, which should be ${shouldBe}`);
}
