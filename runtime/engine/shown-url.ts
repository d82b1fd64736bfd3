/** The URL of a queue as messages have it. Runs in the dispatcher and in each host. */

/** Returns the URL without what is secret in it. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${/^\/\d*$/.test(pathname) ? pathname : ''}`;
}
