/**
 * Secret values of the task's arguments: texts that the runtime records or shows go through here. What the task prints
 * itself does not. Runs in both processes. Internal.
 */

/** A shorter one is not looked for: it would also be found in texts that have nothing to do with it. */
const SHORTEST = 4;
/** Of a secret of several lines, each line that is not shorter is a secret too. */
const SHORTEST_LINE = 8;

const STORE = Symbol.for('divvy secrets');

/** One for the process, even if a loader such as tsx has loaded the runtime twice. */
const shared = globalThis as { [STORE]?: Set<string> };
shared[STORE] ??= new Set();
const secrets = shared[STORE];

/** Keeps a value out of texts from now on, also in the forms that it has in a URL, in JSON and in what `inspect` shows. */
export function keepSecret(value: string): void {
  const { inspect } = process.getBuiltinModule('node:util');
  const lines = value.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
  for (const text of [value, value.trim(), ...lines]) {
    const wellFormed = text.toWellFormed();
    const forms = [
      ...[text, JSON.stringify(text).slice(1, -1), inspect(text, { breakLength: Infinity }).slice(1, -1)],
      ...[encodeURIComponent(wellFormed), String(new URLSearchParams({ '': wellFormed })).slice(1)],
    ];
    for (const form of forms) if (form.length >= SHORTEST) secrets.add(form);
  }
}

/** Whether there is any. */
export function hasSecrets(): boolean {
  return secrets.size > 0;
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
