/** Dates as people read them. Internal. */

const SHOWN = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' } as const;

/** `28 Nov 2026, 13:34`, by the clock where the person is. */
export function dateOf(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleString('en-GB', SHOWN);
}
