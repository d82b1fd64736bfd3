/** Numbers as people read them, in the page's tables and on the axes of its charts. */

const GROUPS = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
/** More digits than these tell nobody anything. */
const LONGEST = 1e15;
const SHORT = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** What the numbers of retries are called. Items whose worker died run again, too, and the journal does not count these. */
export const RETRIES = 'Retries after an error';

/** `1,269`. */
export const grouped = (count: number): string =>
  Math.abs(count) < LONGEST ? GROUPS.format(count) : count.toExponential(2);

/** At most three significant digits: `0.25`, `41,200`. */
export const short = (value: number): string =>
  Math.abs(value) < LONGEST ? SHORT.format(value) : value.toExponential(2);

/** Items a second, as `41,200/s`, `12/min` or `2/h`. */
export const rate = (perSecond: number): string => rateBeside(perSecond)(perSecond);

/** The same for several rates in one unit, up to `most` items a second. */
export function rateBeside(most: number): (perSecond: number) => string {
  const [unit, seconds] = most === 0 || most >= 0.5 ? ['s', 1] : most * 60 >= 0.5 ? ['min', 60] : ['h', 3600];
  return (perSecond) => `${short(perSecond * seconds)}/${unit}`;
}

/** `1 item`, `1,000 items`. */
export const plural = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `250 µs`, `350 ms`, `1.5 s`, `2 min 5 s`, `3 h 20 min`. */
export function duration(ms: number): string {
  if (ms === 0) return '0 s';
  if (ms < 0.9995) return `${short(ms * 1000)} µs`;
  if (ms < 999.5) return `${short(ms)} ms`;
  if (ms < 59_950) return `${short(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(ms / 60_000);
  if (minutes < 48 * 60) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  return two(Math.floor(minutes / 1440), 'd', Math.round((minutes % 1440) / 60), 'h');
}

const two = (many: number, unit: string, few: number, smaller: string): string =>
  few === 0 ? `${grouped(many)} ${unit}` : `${grouped(many)} ${unit} ${few} ${smaller}`;
