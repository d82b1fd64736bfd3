/** Tells a person who waits what divvy is waiting for. */

/** How long a command may be silent, in milliseconds. */
const SILENT_FOR = 2000;

/**
 * Runs `act`. If it takes longer than two seconds, says once what divvy is waiting for.
 *
 * note - prints the text on stderr, like Terminal's note.
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
