/**
 * Secret values of the task's arguments: texts that the runtime records or shows go through here. What the task prints
 * itself does not. Runs in both processes. Internal.
 */

/** A shorter one is not looked for: it would also be found in texts that have nothing to do with it. */
const SHORTEST = 4;

const STORE = Symbol.for('divvy secrets');

/** One for the process, even if a loader such as tsx has loaded the runtime twice. */
const shared = globalThis as { [STORE]?: Set<string> };
shared[STORE] ??= new Set();
const secrets = shared[STORE];

/** Keeps a value out of texts from now on, also as it stands in a URL. */
export function keepSecret(value: string): void {
  if (value.length < SHORTEST) return;
  secrets.add(value);
  secrets.add(encodeURIComponent(value));
}

/** Returns the text with a mark in the place of each secret. */
export function withoutSecret(text: string): string {
  if (secrets.size === 0) return text;
  let shown = text;
  // The longest first: one may be a part of another.
  for (const secret of [...secrets].sort((one, other) => other.length - one.length))
    shown = shown.replaceAll(secret, '(secret)');
  return shown;
}
