/** A person who waits is told what for. */

/** How long a command may be silent, in milliseconds. */
const SILENT_FOR = 2000;

/**
 * Says what is waited for, once, where it takes longer than two seconds.
 *
 * note - says it on stderr, as Terminal does.
 */
export async function saying<Result>(
  note: ((text: string) => void) | undefined,
  text: string,
  act: () => Promise<Result>,
): Promise<Result> {
  const timer = setTimeout(() => note?.(text), SILENT_FOR);
  try {
    return await act();
  } finally {
    clearTimeout(timer);
  }
}
