/**
 * Finds the words of a runner's command line that are values of its options. The runner reads its options itself; divvy
 * only has to know that `j.ndjson` in `--journal j.ndjson nightly` is not a task.
 */

/**
 * Every option of the runner that takes a value, including those of later releases: the runner itself refuses an option
 * that it does not have.
 */
export const WITH_VALUE: readonly string[] = [
  ...[
    '-n',
    '--workers',
    '-c',
    '--concurrency',
    '--socket',
    '--max-item-size',
    '--retries',
    '--backoff',
    '--backoff-cap',
  ],
  ...[
    '--max-crashes',
    '--timeout',
    '--kill-after',
    '--force-after',
    '--grace',
    '--halt',
    '--journal',
    '--rate',
    '--results',
  ],
  ...['--recycle-after', '--recycle-above', '--recycle-older', '--import', '--warn-after', '--limit', '--events'],
  ...['--metrics-file', '--control', '--engine', '--engine-url-file', '--lock', '--code-version'],
];

/** The positions of the words that are neither options nor their values; after `--` all words count. */
export function plainWords(argv: readonly string[]): number[] {
  const end = argv.indexOf('--');
  return argv.flatMap((word, at) => {
    if (end >= 0 && at >= end) return at === end ? [] : [at];
    return word.startsWith('-') || takesValue(argv[at - 1]) ? [] : [at];
  });
}

/** `-vn 5` means `-v -n 5`. */
const takesValue = (word = ''): boolean =>
  WITH_VALUE.includes(word) || (/^-[a-z]{2,}$/.test(word) && WITH_VALUE.includes(`-${word.at(-1)}`));
