/**
 * Which words of a runner's command line are values of its options. The runner reads its options itself; here it must only be
 * known that `j.ndjson` in `--journal j.ndjson nightly` is no task.
 */

/** Every option of the runner that takes a value, also one of a later release: what a runner has not, it refuses itself. */
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
  ...['--metrics-file', '--control'],
];

/** The places of the words that are no options and no values of such; behind `--` all are. */
export function plainWords(argv: readonly string[]): number[] {
  const end = argv.indexOf('--');
  return argv.flatMap((word, at) => {
    if (end >= 0 && at >= end) return at === end ? [] : [at];
    return word.startsWith('-') || takesValue(argv[at - 1]) ? [] : [at];
  });
}

/** `-vn 5` is `-v -n 5`. */
const takesValue = (word = ''): boolean =>
  WITH_VALUE.includes(word) || (/^-[a-z]{2,}$/.test(word) && WITH_VALUE.includes(`-${word.at(-1)}`));
